//go:build cgo && libvirt_dlopen

package libvirt_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/libvirt/volumes"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/hypervisor"
)

const folder = "/var/lib/libvirt/images/coreos-libvirt-pool"

// bed is a host that is reached by ssh, and a base image of this host.
type bed struct {
	*hypervisor.Host
	base, locks string
}

// TestVolumes are files of nodes on another host, by a real libvirt and ssh.
func TestVolumes(t *testing.T) {
	b := bed{Host: hypervisor.Start(t, "hv1", "/var/cache/coreos-libvirt/lab-libvirt"), base: filepath.Join(t.TempDir(), "base.qcow2"), locks: t.TempDir()}
	makeBase(t, b.base)
	for _, part := range []struct {
		name string
		test func(*testing.T, bed)
	}{
		{"nothing is there", nothingThere},
		{"a pool that several make at once", poolsAtOnce},
		{"a pool that is full", fullPool},
		{"uploads that were killed", killedUploads},
		{"the link is cut in an upload", cutUpload},
		{"two runs, and another client's, at once", uploadsAtOnce},
		{"a node's files", nodesFiles},
		{"a console log", consoleLog},
		{"another pool", anotherPool},
		{"another host key", otherHostKey},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(t, b) }) {
			break
		}
	}
}

// makeBase makes a qcow2 image with some MiB of data, and a hole.
func makeBase(t *testing.T, path string) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	noise := make([]byte, 9<<20)
	_, _ = rand.Read(noise)
	if err := os.WriteFile(data, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	shell(t, fmt.Sprintf("truncate -s 64M %[1]s; qemu-img convert -O qcow2 -o preallocation=metadata %[1]s %[2]s; chmod 400 %[2]s", data, path))
}

func shell(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// open is a run's connection, which says what it does to said.
func (b bed) open(t testing.TB, pool string, said io.Writer) *libvirt.Conn {
	t.Helper()
	conn, err := libvirt.Open(b.URI, func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	conn.KeepFiles(volumes.Options{Pool: pool, Locks: b.locks, Log: func() *progress.Log { return progress.New(said) }})
	return conn
}

func node(name string) engine.Files {
	return engine.Files{Ignition: "/nowhere/" + name + "/ignition.json", Overlay: "/nowhere/" + name + "/" + name + ".qcow2", Console: "/nowhere/" + name + "/console.log", Owner: "0123456789-" + name}
}

// files are the names in the pool's folder, as the host itself sees them.
func (b bed) files(t *testing.T) []string {
	return strings.Fields(b.Run(t, "ls "+folder+" 2>/dev/null || true"))
}

func nothingThere(t *testing.T, b bed) {
	disks := b.open(t, "", io.Discard).Disks()
	n := node("core01")
	if seen := disks.Seen(n); seen.Overlay != folder+"/core01.01234567.qcow2" || seen.Ignition != folder+"/core01.01234567.ign" || seen.Console != folder+"/core01.01234567.log" {
		t.Errorf("seen as %+v", seen)
	}
	if disk, err := disks.Look(t.Context(), n, engine.Domain{}); err != nil || disk.Exists || disk.HasData() {
		t.Errorf("got %+v, %v", disk, err)
	}
	_, errDocument := disks.Document(n)
	_, errLog := disks.Log(n).Open(0)
	if !errors.Is(errDocument, fs.ErrNotExist) || !errors.Is(errLog, fs.ErrNotExist) {
		t.Errorf("got %v, %v", errDocument, errLog)
	}
	if err := disks.Clear(n); err != nil {
		t.Error(err)
	}
	if pools := b.Run(t, "virsh pool-list --all --name"); pools != "" {
		t.Errorf("a run that only looks has made the pool %q", pools)
	}
}

// poolsAtOnce has nodes of several runs made at once on a host that has no pool yet, again and again.
func poolsAtOnce(t *testing.T, b bed) {
	conns := []*libvirt.Conn{b.open(t, "", io.Discard), b.open(t, "", io.Discard), b.open(t, "", io.Discard)}
	for range 5 {
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				if err := conns[i%len(conns)].There.Grow(t.Context(), node("core01"), engine.FurtherDisk{Name: "none", GiB: 1}); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a volume that is not there: got %v", err)
				}
				if err := conns[i%len(conns)].Disks().WriteDocument(node(fmt.Sprintf("core%02d", i)), []byte("{}")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if has := b.Run(t, "virsh pool-list --name --autostart; ls "+folder+" | wc -l"); strings.Join(strings.Fields(has), " ") != "coreos-libvirt 12" {
			t.Errorf("there is %s", has)
		}
		b.Run(t, "virsh pool-destroy coreos-libvirt; virsh pool-undefine coreos-libvirt; rm -r "+folder)
	}
	b.Run(t, "virsh pool-define-as coreos-libvirt dir --target "+folder) // as a run leaves it that ends before it has made the folder
	if err := conns[0].Disks().WriteDocument(node("core01"), []byte("{}")); err != nil {
		t.Errorf("a pool without its folder: %v", err)
	}
	b.Run(t, "virsh pool-destroy coreos-libvirt; virsh pool-undefine coreos-libvirt; rm -r "+folder)
}

func fullPool(t *testing.T, b bed) {
	b.Run(t, "mkdir -p "+folder+"; mount -t tmpfs -o size=4M tmpfs "+folder)
	disks := b.open(t, "", io.Discard).Disks()
	_, err := disks.Prepare(t.Context(), node("core01"), b.base, 1, nil)
	if err == nil || !strings.Contains(err.Error(), "base.qcow2 does not come into the storage pool coreos-libvirt of "+b.URI+": it has ") || !strings.Contains(err.Error(), "are free there\nhint: pool= names another one") {
		t.Errorf("got %v", err)
	}
	if left := b.files(t); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	b.Run(t, "virsh pool-destroy coreos-libvirt; virsh pool-undefine coreos-libvirt; umount "+folder)
}

const killVariable = "COREOS_TEST_KILLED_UPLOAD"

// TestKilledUpload is the run that is killed, in a process of its own.
func TestKilledUpload(t *testing.T) {
	words := strings.Split(os.Getenv(killVariable), " ") //nolint:forbidigo // the test's own
	if len(words) != 4 {
		t.Skip("runs for TestVolumes")
	}
	calls, _ := strconv.Atoi(words[3])
	b := bed{Host: &hypervisor.Host{URI: words[0]}, base: words[1], locks: words[2]}
	conn := b.open(t, "", os.Stderr)
	begin := conn.Calls()
	go func() {
		for conn.Calls() < begin+int64(calls) {
			time.Sleep(100 * time.Microsecond)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}()
	_, err := conn.Disks().Prepare(t.Context(), node("core01"), b.base, 1, nil)
	t.Fatalf("it was not killed: %v", err)
}

func killedUploads(t *testing.T, b bed) {
	killed := 0
	for calls := 4; ; calls += 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledUpload$", "-test.v")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s %d", killVariable, b.URI, b.base, b.locks, calls))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != -1 && !strings.Contains(string(out), "it was not killed: <nil>") {
			t.Fatalf("after %d calls: %v\n%s", calls, err, out)
		}
		left := b.files(t)
		t.Logf("killed after %d calls: %v, %s", calls, left, b.Run(t, "du -sk "+folder))
		if slices.ContainsFunc(left, func(name string) bool { return strings.HasSuffix(name, ".whole") }) {
			break
		}
		if len(left) > 0 {
			killed++
		}
	}
	if killed < 3 {
		t.Errorf("only %d uploads were killed after they had begun", killed)
	}
	var said bytes.Buffer
	b.Run(t, "rm -f "+folder+"/*.whole") // as if the last one had been killed, too
	if _, err := b.open(t, "", &said).Disks().Prepare(t.Context(), node("core01"), b.base, 1, nil); err != nil {
		t.Fatal(err)
	}
	if left := b.files(t); len(left) != 3 || !strings.HasSuffix(left[2], ".new") {
		t.Errorf("prepared are %v", left)
	}
	if err := b.open(t, "", &said).Disks().Sweep(node("core01")); err != nil { // as a run after one that was killed now
		t.Error(err)
	}
	left := b.files(t)
	if len(left) != 2 || left[1] != left[0]+".whole" || !strings.HasPrefix(left[0], "base-") {
		t.Errorf("left are %v", left)
	}
	want, has := shell(t, "sha256sum <"+b.base), b.Run(t, "sha256sum <"+folder+"/"+left[0])
	if strings.TrimSpace(want) != has {
		t.Errorf("it has %s, want %s", has, want)
	}
	if sparse := b.Run(t, "qemu-img info --output=json "+folder+"/"+left[0]+"; stat -c '%a %U' "+folder+"/"+left[0]); !strings.Contains(sparse, `"format": "qcow2"`) || !strings.HasSuffix(sparse, "444 root") {
		t.Errorf("got %s", sparse)
	}
}

func cutUpload(t *testing.T, b bed) {
	b.Run(t, "rm -f "+folder+"/*")
	ctx, cancel := context.WithCancel(t.Context())
	cut := make(chan int)
	go func() {
		times := 0
		for ctx.Err() == nil && times < 2 {
			if out, _ := b.Command("sh", "-c", "du -sk "+folder+" | cut -f1").Output(); len(bytes.TrimSpace(out)) > 3 { // more than 999 KiB
				b.Cut(t)
				times++
			}
		}
		cut <- times
	}()
	made, err := b.open(t, "", io.Discard).Disks().Prepare(t.Context(), node("core01"), b.base, 1, nil)
	cancel()
	if times := <-cut; err != nil || times == 0 {
		t.Fatalf("it was cut %d times: %v", times, err)
	}
	_ = made.Discard()
	names := b.files(t)
	if want, has := shell(t, "sha256sum <"+b.base), b.Run(t, "sha256sum <"+folder+"/"+names[0]); strings.TrimSpace(want) != has || len(names) != 2 {
		t.Errorf("%v: it has %s, want %s", names, has, want)
	}
}

// uploadsAtOnce are of three runs, of which two share their locks. None damages another's, and all use what is whole.
func uploadsAtOnce(t *testing.T, b bed) {
	b.Run(t, "rm -f "+folder+"/*; touch -d '2 days ago' "+folder+"/base-"+sum(t, b.base)[:32]+"-gone.qcow2")
	other := b
	other.locks = t.TempDir()
	var said [3]bytes.Buffer
	var all sync.WaitGroup
	for i, of := range []bed{b, b, other} {
		disks := of.open(t, "", &said[i]).Disks()
		all.Go(func() {
			made, err := disks.Prepare(t.Context(), node(fmt.Sprintf("core0%d", i+1)), b.base, 1, nil)
			if err = errors.Join(err, made.Place(), made.Discard()); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		})
	}
	all.Wait()
	bases := strings.Fields(b.Run(t, "cd "+folder+"; ls base-*.qcow2"))
	if len(bases) > 2 || strings.Contains(b.Run(t, "ls "+folder), "gone") {
		t.Errorf("there are %v", bases)
	}
	for _, name := range bases {
		if has := b.Run(t, "sha256sum <"+folder+"/"+name+"; ls "+folder+"/"+name+".whole"); !strings.HasPrefix(has, sum(t, b.base)) {
			t.Errorf("%s has %s", name, has)
		}
	}
	b.Run(t, "for d in "+folder+"/core0*; do qemu-img check -q $d; done; rm -f "+folder+"/core0*; ls "+folder+" | sed 1,2d | while read f; do rm "+folder+"/$f; done")
}

func sum(t *testing.T, path string) string {
	t.Helper()
	return strings.Fields(shell(t, "sha256sum <"+path))[0]
}

func nodesFiles(t *testing.T, b bed) {
	var said bytes.Buffer
	conn := b.open(t, "", &said)
	disks, n, other := conn.Disks(), node("core01"), node("core01")
	other.Owner = "another-workspace"
	look := func(domain engine.Domain) engine.Disk { // as a later run does
		t.Helper()
		disk, err := b.open(t, "", io.Discard).Disks().Look(t.Context(), n, domain)
		if err != nil {
			t.Fatal(err)
		}
		return disk
	}
	place := func(of engine.Files, gib int, further ...engine.FurtherDisk) {
		t.Helper()
		made, err := disks.Prepare(t.Context(), of, b.base, gib, further)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(made.Place(), made.Discard()); err != nil {
			t.Fatal(err)
		}
	}
	place(other, 1)
	place(n, 2, engine.FurtherDisk{Name: "data", GiB: 1}, engine.FurtherDisk{Name: "log", GiB: 1})
	if disk := look(engine.Domain{}); !disk.Exists || !disk.Pristine || !disk.Copied || disk.Lost != "" || len(disk.Data) > 0 || !slices.Equal(disk.Further, []string{"data", "log"}) {
		t.Errorf("new: got %+v", disk)
	}
	holder, _ := disks.(engine.Holder)
	if has, err := holder.Holds(); err != nil || !has(n) || !has(other) || has(node("core0")) || has(node("core02")) {
		t.Errorf("it does not know of whom it has something: %v", err)
	}
	if said.Len() > 0 {
		t.Errorf("the image was there, and yet: %s", said.String())
	}
	seen := disks.Seen(n)
	if info := b.Run(t, "qemu-img info "+seen.Overlay+"; stat -c %a "+seen.Overlay); !strings.Contains(info, "2 GiB") || !strings.Contains(info, "backing file: "+folder+"/base-") || !strings.HasSuffix(info, "600") {
		t.Errorf("got %s", info)
	}
	if under := disks.Under(engine.Domain{}, seen.Overlay); !strings.HasPrefix(under, folder+"/base-") {
		t.Errorf("it stands on %q", under)
	}
	running := engine.Domain{Name: "core01", State: engine.Running, Backing: disks.Under(engine.Domain{}, seen.Overlay), Disks: []string{seen.Overlay, seen.Further("data")}}
	if disk := look(running); disk.Pristine || !disk.Copied || disk.Instead != "" || len(disk.Data) != 2 {
		t.Errorf("running: got %+v", disk)
	}
	b.Run(t, "qemu-img create -q -f qcow2 -F qcow2 -b "+seen.Overlay+" "+folder+"/snap")
	if disk := look(engine.Domain{Name: "core01", State: engine.ShutOff, Disks: []string{folder + "/snap"}}); disk.Instead != folder+"/snap" || !disk.OnTop || disk.Pristine {
		t.Errorf("a snapshot on it: got %+v", disk)
	}
	b.Run(t, "rm "+folder+"/snap; qemu-io -c 'write 0 64k' "+seen.Further("log")+" >&2")
	if disk := look(engine.Domain{}); disk.Pristine || !slices.Equal(disk.Data, []string{"log"}) {
		t.Errorf("written to: got %+v", disk)
	}
	if bytes, count := disks.Size(n); count != 3 || bytes < 64<<10 {
		t.Errorf("%d disks of %d bytes", count, bytes)
	}
	if err := disks.Add(t.Context(), n, engine.FurtherDisk{Name: "log", GiB: 1}); err == nil || !strings.Contains(err.Error(), "core01.01234567-log.qcow2 is there already, and may have data\nhint: virsh -c 'qemu+ssh://root@hv1/system' vol-delete") {
		t.Errorf("got %v", err)
	}
	err := errors.Join(disks.Add(t.Context(), n, engine.FurtherDisk{Name: "more", GiB: 1}), disks.Add(t.Context(), n, engine.FurtherDisk{Name: "more", GiB: 1}),
		disks.Grow(t.Context(), n, engine.FurtherDisk{Name: "more", GiB: 3}), disks.Grow(t.Context(), n, engine.FurtherDisk{Name: "more", GiB: 2}), disks.Drop(n, "data"), disks.Drop(n, "data"))
	if info := b.Run(t, "qemu-img info "+seen.Further("more")); err != nil || !strings.Contains(info, "virtual size: 3 GiB") {
		t.Errorf("%v: %s", err, info)
	}
	for _, document := range []string{`{"ignition":{"version":"3.4.0"}}`, `{}`} {
		if err := disks.WriteDocument(n, []byte(document)); err != nil {
			t.Fatal(err)
		}
		if text, err := disks.Document(n); err != nil || string(text) != document || b.Run(t, "stat -c '%a ' "+seen.Ignition+"; cat "+seen.Ignition) != "600 \n"+document {
			t.Errorf("got %s, %v", text, err)
		}
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 33<<20/16) // more than libvirt takes at once
	if err := disks.WriteDocument(n, long); err != nil {
		t.Error(err)
	} else if text, err := disks.Document(n); err != nil || !bytes.Equal(text, long) {
		t.Errorf("of %d bytes %d came back: %v", len(long), len(text), err)
	}
	place(n, 1)
	if disk := look(engine.Domain{}); !disk.Pristine || len(disk.Further) > 0 {
		t.Errorf("made again: got %+v", disk)
	}
	base := b.Run(t, "cd "+folder+"; ls base-*.qcow2")
	b.Run(t, "mv "+folder+"/"+base+" /tmp")
	if disk := look(engine.Domain{}); disk.Lost != folder+"/"+base {
		t.Errorf("its base image is gone: got %+v", disk)
	}
	b.Run(t, "mv /tmp/"+base+" "+folder)
	if removed, _, err := conn.PruneCopies(nil); err != nil || len(removed) > 0 {
		t.Errorf("a base image that is used: removed %v, %v", removed, err)
	}
	if err := disks.Clear(n); err != nil {
		t.Fatal(err)
	}
	if left := b.files(t); !slices.Equal(left, []string{base, base + ".whole", "core01.another-.qcow2"}) {
		t.Errorf("left are %v", left)
	}
	if err := disks.Clear(other); err != nil {
		t.Error(err)
	}
}

func consoleLog(t *testing.T, b bed) {
	disks, n := b.open(t, "", io.Discard).Disks(), node("core01")
	path, log := disks.Seen(n).Console, disks.Log(n)
	if err := disks.BeginLog(n); err != nil {
		t.Fatal(err)
	}
	b.Run(t, "printf 'one\\ntwo' >>"+path)
	for offset, want := range map[int64]string{0: "one\ntwo", 4: "two", 7: "", 99: "", -3: "two", -99: "one\ntwo"} {
		file, err := log.Open(offset)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		info, errInfo := file.Stat()
		if err != nil || errInfo != nil || string(text) != want || info.Size() != 7 || info.ModTime().IsZero() {
			t.Errorf("from %d: got %q, %v", offset, text, errors.Join(err, errInfo))
		}
	}
	before := parts(t, log)
	ctx, cancel := context.WithCancel(t.Context())
	lines, ended := make(chan string, 10), make(chan error, 1)
	go func() { ended <- log.Follow(ctx, func(line string) { lines <- line }) }()
	if got := <-lines; got != "one" {
		t.Errorf("got %q", got)
	}
	b.Run(t, "printf '2\\nthree\\n' >>"+path+"; mv "+path+" "+path+".0; printf 'x\\n' >"+path)
	for _, want := range []string{"two2", "three", "x"} {
		if got := <-lines; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	time.Sleep(2 * time.Second) // the pool is believed for a second to have what it had
	after := parts(t, log)
	if len(before) != 1 || len(after) != 2 || after[0].Sys() != before[0].Sys() || after[1].Sys() == before[0].Sys() || !log.Cut() {
		t.Errorf("parts were %v, and are %v", before, after)
	}
	if err := disks.BeginLog(n); err != nil {
		t.Fatal(err)
	}
	if begun := parts(t, log); len(begun) != 1 || begun[0].Size() != 0 || begun[0].Sys() == after[1].Sys() || log.Cut() {
		t.Errorf("begun again: got %v", begun)
	}
	if err := disks.Clear(n); err != nil {
		t.Error(err)
	}
	if left := b.files(t); len(left) != 2 {
		t.Errorf("left are %v", left)
	}
}

// parts are what there is of the log now.
func parts(t *testing.T, log engine.Log) (infos []fs.FileInfo) {
	t.Helper()
	all, err := log.Parts()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range all {
		info, _ := part.Stat()
		infos = append(infos, info)
	}
	return infos
}

func anotherPool(t *testing.T, b bed) {
	b.Run(t, "virsh pool-define-as mine dir --target /var/lib/libvirt/mine; virsh pool-build mine")
	for pool, want := range map[string]string{
		"none": "pool=none: there is no such storage pool at uri=" + b.URI + "\nhint: it has pool=",
		"mine": "pool=mine: it is not active\nhint: virsh -c '" + b.URI + "' pool-start mine",
	} {
		if _, err := b.open(t, pool, io.Discard).Disks().Prepare(t.Context(), node("core01"), b.base, 1, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", pool, err)
		}
	}
	b.Run(t, "virsh pool-start mine")
	disks := b.open(t, "mine", io.Discard).Disks()
	made, err := disks.Prepare(t.Context(), node("core01"), b.base, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(made.Place(), disks.Clear(node("core01"))); err != nil {
		t.Error(err)
	}
	b.Run(t, "truncate -s 1M /var/lib/libvirt/mine/base-0123.qcow2 /var/lib/libvirt/mine/base-of-mine.img") // an upload that goes on, and somebody's
	for _, used := range []map[string]engine.Domain{{"other": {Name: "other", Backing: b.Run(t, "ls /var/lib/libvirt/mine/base-*-*.qcow2")}}, nil} {
		removed, bytes, err := b.open(t, "mine", io.Discard).PruneCopies(used)
		if err != nil || len(removed) == 0 != (used != nil) || used == nil && bytes < 9<<20 {
			t.Errorf("used by %v: removed %v of %d bytes, %v", used, removed, bytes, err)
		}
	}
	if left := b.Run(t, "ls /var/lib/libvirt/mine | wc -l; virsh pool-info mine"); !strings.HasPrefix(left, "2\n") || !strings.Contains(left, "Autostart:      no") {
		t.Errorf("got %s", left)
	}
}

func otherHostKey(t *testing.T, b bed) {
	if err := os.WriteFile(b.KnownHosts(), []byte("hv1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmLjKyKUSNUBhSw7JC7jNvkgGgw8mvB5lNLrZ5bPSTd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := libvirt.Open(b.URI, func(error) string { return "what to do" })
	if err == nil || !strings.Contains(err.Error(), "Host key verification failed") || !strings.HasSuffix(err.Error(), "\nhint: what to do") {
		t.Errorf("got %v", err)
	}
}
