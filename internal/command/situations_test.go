//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/workspace"
)

// situationRows are what `mage plan` says of a node that was booted, for all that may have become of it and of what it
// is made from: the first row that fits counts, a dash fits everything. A node drifts where what it stands on is not
// what it would be made from now.
const situationRows = `
template  image   overlay  domain   running  ready  says                drift
-         absent  -        -        -        -      no_base_image       -
absent    -       -        -        -        -      no_domain_template  -
-         -       absent   absent   -        -      create              -
-         changed present  absent   -        -      refused             -
-         -       -        absent   -        -      redefine            ?
-         -       absent   present  off      -      create              -
-         changed present  -        off      -      refused             -
-         -       -        changed  running  changed  outdated          ?
-         -       -        changed  running  -      unchanged           ?
-         -       -        changed  off      -      start               ?
changed   -       -        present  -        -      redefine            ?
present   -       -        present  running  changed  outdated          ?
present   -       -        present  running  -      unchanged           ?
present   -       -        present  off      -      start               ?
`

// stand is a node that was booted, and what brings it and what it is made from into any situation.
type stand struct {
	r                  *Run
	node               workspace.Node
	xml, tmpl          string
	image, other, disk []byte
}

func newStand(t *testing.T) *stand {
	t.Helper()
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	bootDomain(t, "core01")
	s := &stand{r: run(t)}
	if _, err := s.r.libvirt(); err != nil {
		t.Fatal(err)
	}
	s.node, s.xml = s.r.members()[0], theDomain(t, "core01").XML
	s.tmpl = contents(t, "templates/domain.xml.tmpl")
	s.image, s.disk = []byte(contents(t, "base.qcow2")), []byte(contents(t, overlayOf("core01")))
	for _, args := range [][]string{
		{"create", "-q", "-f", "qcow2", "another.qcow2", "64M"},
		{"create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", filepath.Join(s.r.Workspace, "another.qcow2"), "other.qcow2"},
	} {
		if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if out, err := exec.Command("qemu-io", "-c", "write 0 64k", "other.qcow2").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.other = []byte(contents(t, "other.qcow2"))
	return s
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// put writes a file, or removes it where data are nil.
func put(t *testing.T, path string, data []byte) {
	t.Helper()
	err := workspace.Forget(path)
	if data != nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// imageMade is when the base image was made, or made again.
var imageMade = map[string]time.Time{"present": time.Unix(1e9, 0), "changed": time.Unix(2e9, 0)}

func (s *stand) template(t *testing.T, is string) {
	text := map[string][]byte{"present": []byte(s.tmpl), "changed": []byte(strings.Replace(s.tmpl, "preserve", "destroy", 1))}
	put(t, "templates/domain.xml.tmpl", text[is])
}

func (s *stand) base(t *testing.T, is string) {
	if is == "absent" {
		put(t, "base.qcow2", nil)
		return
	}
	put(t, "base.qcow2", s.image)
	if err := os.Chtimes("base.qcow2", imageMade[is], imageMade[is]); err != nil {
		t.Fatal(err)
	}
}

func (s *stand) overlay(t *testing.T, is string) {
	put(t, s.node.Overlay(), map[string][]byte{"present": s.disk, "changed": s.other}[is])
}

func (s *stand) domain(t *testing.T, is, running string) {
	t.Helper()
	if err := s.r.conn.Remove(s.node.UUID, s.r.Workspace); err != nil {
		t.Fatal(err)
	}
	if is == "absent" {
		return
	}
	text := s.xml
	if is == "changed" {
		text = strings.Replace(text, "<on_reboot>restart<", "<on_reboot>destroy<", 1)
	}
	if _, err := s.r.conn.Define(text); err != nil {
		t.Fatal(err)
	}
	if running == "running" {
		if err := s.r.conn.Start(s.node.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// says is what `mage plan` says: its action, or the beginning of its error; and the drift.
func (s *stand) says(t *testing.T, ready string) (says, drift string) {
	words := map[string][]string{"present": {}, "changed": {"ready=on"}}[ready]
	steps, err := wouldDo(run(t, words...), askQuick)(t.Context())
	if err != nil {
		return strings.ReplaceAll(strings.Split(err.Error(), ":")[0], " ", "_"), ""
	}
	step := describeStep(steps[0], "mage restart")
	return step.Action, step.Drift
}

func TestPlanOfEverySituation(t *testing.T) {
	s := newStand(t)
	s.base(t, "present")
	mustUp(t, "recreate=all") // of the image of that time
	bootDomain(t, "core01")
	s.xml, s.disk = theDomain(t, "core01").XML, []byte(contents(t, overlayOf("core01")))
	rows := strings.Split(strings.TrimSpace(situationRows), "\n")[1:]
	used := map[string]bool{}
	for _, is := range everySituation() {
		s.bring(t, is)
		row := rowFor(rows, is)
		used[strings.Join(row, " ")] = true
		drifts := row[7] == "?" && (is[1] == "changed" || is[2] != "present" || is[5] == "changed")
		if says, drift := s.says(t, is[5]); says != row[6] || (drift != "") != drifts {
			t.Errorf("template, image, overlay, domain, running, ready: %v: %s, drift %q; want %v", is, says, drift, row[6:])
		}
	}
	for _, row := range rows {
		if !used[strings.Join(strings.Fields(row), " ")] {
			t.Errorf("no situation is decided by %s", row)
		}
	}
}

// everySituation is every combination of template, image, overlay, domain, running and ready.
func everySituation() [][]string {
	all := [][]string{{}}
	for _, words := range []string{"present absent changed", "present absent changed", "present absent changed", "present absent changed", "running off", "present changed"} {
		longer := [][]string{}
		for _, is := range all {
			for _, word := range strings.Fields(words) {
				longer = append(longer, append(slices.Clone(is), word))
			}
		}
		all = longer
	}
	return all
}

// bring brings everything into the situation.
func (s *stand) bring(t *testing.T, is []string) {
	t.Helper()
	s.template(t, is[0])
	s.base(t, is[1])
	s.overlay(t, is[2])
	s.domain(t, is[3], is[4])
}

// rowFor is the first row that fits.
func rowFor(rows, situation []string) []string {
	for _, row := range rows {
		words := strings.Fields(row)
		fits := true
		for i, word := range situation {
			fits = fits && (words[i] == "-" || words[i] == word)
		}
		if fits {
			return words
		}
	}
	return nil
}
