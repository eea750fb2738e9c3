//go:build cgo && libvirt_dlopen

package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

const plain = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: Node_Name}}]}\n"

// inClone is a clone's folder with a small image, on libvirt's in-process driver, which keeps what it is
// told for as long as one connection is open.
func inClone(t testing.TB) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS("templates", os.DirFS(filepath.Join(root, "templates"))); err != nil {
		t.Fatal(err)
	}
	tmpl, _ := os.ReadFile("templates/domain.xml.tmpl")
	save(t, "templates/domain.xml.tmpl", strings.ReplaceAll(string(tmpl), "{{.Type}}", "test"))
	save(t, "plain.yml", plain)
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "base.qcow2", "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for key, value := range map[string]string{
		"URI": "test:///default", "IMAGE": "base.qcow2", "CONFIG": "plain.yml", "READY": "off", "NODES": "2", "DISK": "1", "STORE": t.TempDir(),
	} {
		t.Setenv("COREOS_"+key, value)
	}
	holder := run(t) // keeps the driver's state
	if _, err := holder.libvirt(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // other runs' connections keep the driver's state, too
		domains, _ := holder.domains()
		for _, d := range domains {
			_ = holder.conn.Remove(d.UUID, holder.ws().Owners(d.Metadata)...) // clones, too
		}
		holder.daemon.Close()
	})
}

func save(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, words ...string) *Run {
	t.Helper()
	r, err := New(words, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	said := &bytes.Buffer{}
	r.log, r.out = progress.New(said), said
	r.glance = pace.Answer // a busy machine has nobody pass for silent
	t.Cleanup(r.etcd.Close)
	return r
}

func (r *Run) said() string { return r.log.Writer().(*bytes.Buffer).String() }

// up is `mage up`, and what it printed.
func up(t testing.TB, words ...string) (string, error) {
	t.Helper()
	r := run(t, words...)
	defer r.unlockAll()
	for _, stage := range []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up} {
		if err := stage(t.Context()); err != nil {
			return r.said(), err
		}
	}
	return r.said(), nil
}

// unlockAll is what the end of a process does.
func (r *Run) unlockAll() {
	GiveBack(r)
	r.locks.Free()
	if release := r.values.images.value.release; release != nil {
		release()
	}
}

func mustUp(t testing.TB, words ...string) string {
	t.Helper()
	said, err := up(t, words...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}

// through takes a run through stages that must succeed.
func through(t testing.TB, stages ...func(context.Context) error) {
	t.Helper()
	for _, stage := range stages {
		if err := stage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// calledBy is how a command in what a run says begins, as the run was called.
var calledBy = regexp.MustCompile("`[^`]* (recreate|redefine)=")

// restarted is the command that starts a node again, as the run was called.
var restarted = regexp.MustCompile("`[^`]* restart node=[^`]*`")

// short is what a run said, without how it was called.
func short(said string) string {
	return calledBy.ReplaceAllString(restarted.ReplaceAllString(said, "`mage restart`"), "`… $1=")
}

// plans compares `mage plan` with the lines that it should print, their spaces made one, and its exit status.
func plans(t *testing.T, status int, want string, words ...string) {
	t.Helper()
	before := snapshot(t)
	r := run(t, append(words, "diff=false")...)
	err := r.Plan(t.Context())
	var exit session.ExitStatus
	if errors.As(err, &exit) && int(exit) != status || err == nil && status != 0 || err != nil && int(exit) == 0 {
		t.Errorf("plan %v: exit status %d is wanted, got %v", words, status, err)
	}
	got := []string{}
	for line := range strings.Lines(r.said()) {
		if strings.HasPrefix(line, "core") {
			got = append(got, short(strings.Join(strings.Fields(line), " ")))
		}
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("plan %v: want\n%s\ngot\n%s", words, want, r.said())
	}
	if after := snapshot(t); after != before {
		t.Errorf("plan %v changed vm/:\n%s\n%s", words, before, after)
	}
}

// snapshot is every file in vm/ with its bytes.
func snapshot(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	_ = filepath.WalkDir("vm", func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			data, _ := os.ReadFile(path)
			all.WriteString(path + "\n" + string(data))
		}
		return nil
	})
	return all.String()
}

func TestPlanTellsWhatUpDoes(t *testing.T) {
	inClone(t)
	plans(t, 2, "core01 create new\ncore02 create new")
	mustUp(t)
	plans(t, 0, "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged")
	if said := mustUp(t); strings.Contains(said, "booting") || strings.Contains(said, "new") {
		t.Errorf("nothing is to be done, got\n%s", said)
	}

	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	drifted := "outdated defined, unchanged; ignition.json changed since it was made: `… recreate=changed` recreates it"
	plans(t, 2, "core01 "+drifted+"\ncore02 "+drifted)
	plans(t, 2, "core01 "+drifted+"\ncore02 recreate as recreate= says", "recreate=core02")
	plans(t, 2, "core01 recreate ignition.json changed\ncore02 recreate ignition.json changed", "recreate=changed")
	if said := mustUp(t, "recreate=core02"); strings.Contains(said, "core01: recreated") || !strings.Contains(said, "core02: recreated\ncore02: booting") {
		t.Errorf("got\n%s", said)
	}
	plans(t, 2, "core01 "+drifted+"\ncore02 unchanged defined, unchanged")
	mustUp(t, "recreate=changed")
	plans(t, 0, "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged")
	plans(t, 2, "core01 recreate as recreate= says\ncore02 recreate as recreate= says", "recreate=all")
	mustUp(t, "recreate=all")

	plans(t, 2, "core01 redefine the domain's definition changed: ram 2048 → 512 MiB; it takes effect with `mage restart`\n"+
		"core02 redefine the domain's definition changed: ram 2048 → 512 MiB; it takes effect with `mage restart`", "ram=512")
	plans(t, 2, "core01 unchanged defined, unchanged\ncore02 remove nodes=1", "nodes=1")
	t.Setenv("COREOS_NODES", "3")
	plans(t, 2, "core01 unchanged defined, unchanged\ncore02 unchanged defined, unchanged\ncore03 create new")
	mustUp(t, "nodes=1")
	if _, err := os.Stat("vm/core02"); err == nil {
		t.Error("core02 is still there")
	}
}

func TestPlanOfNodesThatDoNotRun(t *testing.T) {
	inClone(t)
	mustUp(t)
	r := run(t, "node=core01", "grace=1s")
	if err := Stop(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.unlockAll()
	// the overlay has never been written to: what is not booted yet may be recreated
	save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1))
	plans(t, 2, "core01 create ignition.json changed\ncore02 outdated defined, unchanged; ignition.json changed since it was made: `… recreate=changed` recreates it")
	save(t, "plain.yml", plain)
	plans(t, 2, "core01 start it does not run\ncore02 unchanged defined, unchanged")
	if said := mustUp(t); !strings.Contains(said, "core01: booting") || strings.Contains(said, "core02: booting") {
		t.Errorf("got\n%s", said)
	}
}

func TestSomebodyElsesChangesAreKept(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(domains["core01"].XML, "<on_crash>preserve<", "<on_crash>destroy<", 1)
	if _, err := r.conn.Define(edited); err != nil {
		t.Fatal(err)
	}
	said := mustUp(t, "nodes=1", "ram=512")
	if !strings.Contains(said, "-  <on_crash>preserve</on_crash>\n+  <on_crash>destroy</on_crash>") || !strings.Contains(said, "left as it is") {
		t.Errorf("got\n%s", said)
	}
	if said = mustUp(t, "nodes=1", "redefine=true"); !strings.Contains(said, "what somebody else changed is overwritten") {
		t.Errorf("got\n%s", said)
	}
	plans(t, 0, "core01 unchanged defined, unchanged", "nodes=1")
}

func TestWhatIsSomebodyElsesStopsTheRun(t *testing.T) {
	inClone(t)
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	define := func(device string) {
		t.Helper()
		if _, err := r.conn.Define("<domain type='test'><name>other</name><uuid>1c0b0ed3-8e5e-5b4e-9c0c-00000000000a</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>" + device + "</devices></domain>"); err != nil {
			t.Fatal(err)
		}
	}
	overlay, _ := filepath.Abs("vm/core02/core02.qcow2")
	for want, device := range map[string]string{
		"core01: its hardware address " + workspace.MAC("core01") + " is that of the domain other": "<interface type='bridge'><mac address='" + workspace.MAC("core01") + "'/><source bridge='x'/></interface>",
		"core02: its disk " + overlay + " belongs to the domain other":                             "<disk type='file' device='disk'><source file='" + overlay + "'/><target dev='vda'/></disk>",
	} {
		define(device)
		said, err := up(t)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(said, "defined") {
			t.Errorf("want %q, got %v\n%s", want, err, said)
		}
		if found, _ := filepath.Glob("vm/*/*.qcow2"); len(found) > 0 {
			t.Errorf("something was made: %v", found)
		}
	}
	define("")
	mustUp(t)
}

func TestASecondRunWaitsOrFails(t *testing.T) {
	inClone(t)
	first := run(t)
	if err := first.lock(t.Context(), "core"); err != nil {
		t.Fatal(err)
	}
	defer first.unlockAll()
	if _, err := up(t, "wait=false"); err == nil || !strings.Contains(err.Error(), "is changing this cluster\nhint: ") || !strings.Contains(err.Error(), "core: process ") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	second := run(t)
	cancel()
	if err := second.lock(ctx, "core"); !errors.Is(err, context.Canceled) || !strings.Contains(second.said(), "core: waiting for process ") {
		t.Errorf("got %v\n%s", err, second.said())
	}
}

// failedRow is the table's, of a node that is not there.
var failedRow = regexp.MustCompile(`(?m)^core01 +- +failed +52:54:00:`)

// TestKeepGoingIsOff ends where one node fails.
func TestKeepGoingIsOff(t *testing.T) {
	inClone(t)
	save(t, "vm/core01/domain.xml/x", "a folder where a file should be")
	if said, err := up(t, "keep_going=false"); err == nil || strings.Contains(said, "booting") || !strings.HasPrefix(err.Error(), "core01: ") {
		t.Errorf("got %v\n%s", err, said)
	}
	if err := os.RemoveAll("vm/core01/domain.xml"); err != nil {
		t.Fatal(err)
	}
	save(t, "vm/core01/console.log/x", "a folder where a file should be")
	said, err := up(t, "keep_going=false", "ready=on", "timeout=20s")
	if err == nil || !strings.Contains(err.Error(), "core01: cannot begin the console log") || !failedRow.MatchString(said) {
		t.Errorf("got %v\n%s", err, said)
	}
}

// TestOneNodeThatFails is taken back, the other one goes on, and the next run makes it.
func TestOneNodeThatFails(t *testing.T) {
	for what, obstacle := range map[string]string{"while it is defined": "domain.xml", "when it is started": "console.log"} {
		t.Run(what, func(t *testing.T) {
			inClone(t)
			save(t, "vm/core01/"+obstacle+"/x", "a folder where a file should be")
			said, err := up(t)
			if err == nil || !strings.HasPrefix(err.Error(), "core01: ") || !strings.Contains(said, "core01: taken back") || !strings.Contains(said, "core02: booting") ||
				!failedRow.MatchString(said) || !strings.Contains(said, "\ncore02   -           not known   52:54:00:") {
				t.Errorf("got %v\n%s", err, said)
			}
			if err := os.RemoveAll("vm/core01/" + obstacle); err != nil {
				t.Fatal(err)
			}
			left, _ := filepath.Glob("vm/core01/*")
			if got := strings.Join(left, " "); got != "vm/core01/ignition.json" {
				t.Errorf("left are %s", got)
			}
			plans(t, 2, "core01 create new\ncore02 unchanged defined, unchanged")
			if said := mustUp(t); !strings.Contains(said, "core01: booting") {
				t.Errorf("got\n%s", said)
			}
		})
	}
}

func TestTwoNodesOfOneAddress(t *testing.T) {
	nodes := workspace.Nodes("/w/vm", "core", 2)
	nodes[1].MAC = nodes[0].MAC
	if err := workspace.Foreign(workspace.Workspace{Root: "/w"}, nodes, nil, "core"); err == nil || !strings.Contains(err.Error(), "core01 and core02 would have the same hardware address") {
		t.Errorf("got %v", err)
	}
}
