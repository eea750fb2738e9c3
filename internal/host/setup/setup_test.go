package setup

import (
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// machineAt is a machine whose files are below a folder.
func machineAt(t *testing.T, files map[string]string) step.Machine {
	t.Helper()
	return step.Machine{Root: host.Root(testbed.Tree(t, files)), Rollback: time.Second, Say: t.Logf}
}

// Every kind of step that was recorded and never begun is undone without harm, as after a kill.
func TestUndoOfWhatWasNotBegun(t *testing.T) {
	m := machineAt(t, map[string]string{"etc/f": "was\n", "proc/sys/net/x": "1\n"})
	before := testbed.Files(t, string(m.Root))
	was := "was\n"
	for _, s := range []step.Step{
		&step.File{Path: "etc/f", Text: "is\n", Mode: 0o644, Before: &was, Had: 0o640}, &step.File{Path: "etc/g", Text: "is\n", Mode: 0o644},
		&step.Sysctl{Key: "net.x", Value: "0", Before: "1"}, &step.Sysctl{Key: "net.gone", Value: "0", Before: "1"},
		&Group{"nobody", "no-such-group"}, &Setuid{Path: "usr/lib/helper"},
		&Rule{"iptables", "FORWARD", []string{"-i", "no-such-link", "-j", "ACCEPT"}},
	} {
		if err := s.Undo(t.Context(), m); err != nil {
			t.Errorf("%T: %v", s, err)
		}
	}
	if after := testbed.Files(t, string(m.Root)); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

func TestFamily(t *testing.T) {
	for release, want := range map[string]string{
		"ID=debian\n":                                   "apt",
		"ID=ubuntu\nID_LIKE=debian\n":                   "apt",
		"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n":     "apt",
		"ID=fedora\n":                                   "dnf",
		"ID=\"centos\"\nID_LIKE=\"rhel fedora\"\n":      "dnf",
		"ID=rocky\nID_LIKE='rhel centos fedora'\n":      "dnf",
		"ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n": "zypper",
		"ID=arch\n":   "pacman",
		"ID=alpine\n": "",
		"":            "",
	} {
		m := machineAt(t, map[string]string{"etc/os-release": release})
		f, err := familyOf(m)
		if f.manager != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%q: got %+v, %v", release, f, err)
		}
	}
	m := machineAt(t, map[string]string{"etc/os-release": "ID=centos\n"})
	if f, _ := familyOf(m); f.acl != "etc/qemu-kvm/bridge.conf" {
		t.Errorf("got %s", f.acl)
	}
}

// docs/host.md has the packages, to be installed by hand.
func TestPackagesAreInTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/host.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{"debian": "apt-get install", "fedora": "dnf install", "rhel": "dnf install", "suse": "zypper install", "arch": "pacman -S"}
	for name, f := range families {
		for line := range strings.Lines(string(docs)) {
			if _, words, ok := strings.Cut(line, "`"+lines[name]+" "); ok {
				words, _, _ = strings.Cut(strings.TrimPrefix(words, "--no-install-recommends "), "`")
				if runtime.GOARCH == "amd64" && words != strings.Join(f.packages, " ") {
					t.Errorf("%s: the docs have %s, the set-up %s", name, words, strings.Join(f.packages, " "))
				}
				lines[name] = "found"
			}
		}
		if lines[name] != "found" {
			t.Errorf("%s: no line in the docs", name)
		}
		for _, more := range f.network {
			if !strings.Contains(string(docs), "`"+more+"`") && more != "iptables" {
				t.Errorf("%s: no %s in the docs", name, more)
			}
		}
	}
}

func TestSession(t *testing.T) {
	m := machineAt(t, map[string]string{"etc/qemu/bridge.conf": "allow virbr0", "usr/lib/helper": "x"})
	if err := os.Chmod(m.Root.Path("usr/lib/helper"), 0o750); err != nil {
		t.Fatal(err)
	}
	f := family{helper: "usr/lib/helper", acl: "etc/qemu/bridge.conf"}
	before := testbed.Files(t, string(m.Root))
	steps, err := session(t.Context(), m, Wanted{Bridge: "br0", Session: true}, f)
	if err != nil || len(steps) != 2 {
		t.Fatalf("got %+v, %v", steps, err)
	}
	steps[0].Step.(*Setuid).Override = false // dpkg's database is the real one
	if err := Apply(t.Context(), m, steps); err != nil {
		t.Fatal(err)
	}
	now := testbed.Files(t, string(m.Root))
	if now[m.Root.Path("etc/qemu/bridge.conf")] != "-rw-r-----\nallow virbr0\nallow br0\n" || now[m.Root.Path("usr/lib/helper")] != "urwxr-xr-x\nx" {
		t.Errorf("got %v", now)
	}
	if steps, err := session(t.Context(), m, Wanted{Bridge: "br0", Session: true}, f); err != nil || len(steps) != 0 {
		t.Errorf("nothing lacks, and it plans %+v, %v", steps, err)
	}
	if err := Undo(t.Context(), m); err != nil || !reflect.DeepEqual(before, testbed.Files(t, string(m.Root))) {
		t.Errorf("got %v, %v", err, testbed.Files(t, string(m.Root)))
	}
	if steps, err := session(t.Context(), m, Wanted{Bridge: "br0"}, f); err != nil || steps != nil {
		t.Errorf("nobody wants a session, and it plans %+v, %v", steps, err)
	}
}
