//go:build lab

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// TestCheck runs tests of others, as they are, and what no fake shows: a real systemd and real reboots.
func TestCheck(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"kola's examples and tests of Fedora CoreOS run as they are", kolaTests},
		{"what goes wrong is told", checksGoWrong},
		{"ci leaves nothing but what tells why", integrated},
		{"the lab goes", labGoes},
	})
}

// tests makes a folder of the source the clone's tests.
func (c clone) tests(t *testing.T, source string) {
	t.Helper()
	folder := filepath.Join(c.dir, "ignition/tests")
	distributor.Must(t, os.RemoveAll(folder))
	if out, err := exec.Command("cp", "-a", source, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// test makes the script a test, the only one.
func (c clone) test(t *testing.T, script string) {
	t.Helper()
	distributor.Must(t, os.RemoveAll(filepath.Join(c.dir, "ignition/tests")))
	c.write(t, "ignition/tests/own", script)
	distributor.Must(t, os.Chmod(filepath.Join(c.dir, "ignition/tests/own"), 0o755))
}

func kolaTests(t *testing.T, c clone) {
	c.mage(t, "lab", "up", "nodes=1", "image=lab-fcos", "ready=on", "disks=data:1") // else there is no /dev/disk/by-id, which a test looks into
	c.tests(t, filepath.Join("testdata", "kola"))
	cmd := c.command("lab", "check", "format=junit", pace.Setting("timeout", 300))
	said := &output{}
	cmd.Stderr = said
	out, err := cmd.Output()
	t.Logf("%v\n%s\n%s", err, said, out)
	suites, failed := junit.Ingest(out)
	if err != nil || failed != nil || len(suites) != 1 || suites[0].Totals.Passed != 5 {
		t.Errorf("got %v, %v, %v", err, failed, suites)
	}
	for _, line := range []string{"core01 basic.reboot: test beginning", "core01 basic.reboot: reboots, with the mark mark2", "core01 basic.reboot: ok autopkgtest rebooting", "core01 files.sudoers: ok sudoers files are valid"} {
		if !strings.Contains(said.String(), line) {
			t.Errorf("it does not say %q", line)
		}
	}
	c.nothingOfTests(t)
}

// nothingOfTests is left in the node.
func (c clone) nothingOfTests(t *testing.T) {
	t.Helper()
	c.arrives(t, map[string]string{
		"systemctl show -p LoadState --value kola-runext":                                                                "not-found",
		"sudo ls -d /usr/local/bin/kola* /opt/bin/kola* /var/opt/kola /tmp/autopkgtest* /run/kola* ~/.kola* 2>/dev/null": "",
	})
}

func checksGoWrong(t *testing.T, c clone) {
	for name, p := range map[string]struct{ script, want string }{
		"a signal":           {"#!/bin/bash\nkill -SEGV $$\n", "core01 own: failed: killed by signal 11 (SIGSEGV)"},
		"no program":         {"#!/nowhere\n", "core01 own: failed: cannot be executed (203/EXEC)"},
		"skips":              {"#!/bin/bash\nexit 77\n", "core01 own: skipped: exit status 77"},
		"a time out":         {"#!/bin/bash\n## kola:\n##   timeoutMin: 1\ntrap '' TERM\nwhile :; do sleep 1; done\n", "core01 own: failed: timed out after 1m0s"},
		"a reboot of itself": {"#!/bin/bash\nsystemctl reboot\nsleep 1000\n", "core01 own: failed: the node rebooted or was shut down, and the test had not asked for it"},
	} {
		c.test(t, p.script)
		if out, _ := c.try("lab", "check", pace.Setting("timeout", 300)); !strings.Contains(out, p.want) {
			t.Errorf("%s: got\n%s", name, out)
		}
		c.nothingOfTests(t)
	}
	c.test(t, "#!/bin/bash\n/tmp/autopkgtest-reboot-prepare off\nsystemctl poweroff\n")
	if out, err := c.try("lab", "check", pace.Setting("timeout", 300)); err == nil || !strings.Contains(out, "core01 own: failed: the node does not come back from a reboot: it does not run: libvirt says that it is shut off") {
		t.Errorf("it goes off: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

func integrated(t *testing.T, c clone) {
	c.test(t, "#!/bin/bash\necho not ok\nexit 1\n")
	out, err := c.try("lab", "ci", "prefix=core", "nodes=1", pace.Setting("timeout", 60))
	if err == nil || !strings.Contains(out, "ci: check failed") || !strings.Contains(out, "ci: down is well") {
		t.Errorf("got %v\n%s", err, out)
	}
	listed, err := exec.Command("tar", "-tzf", filepath.Join(c.dir, "vm/ci.core/ci.tar.gz")).CombinedOutput()
	for _, want := range []string{"core01/console.log", "ci.core/journal-core01.txt", "ci.core/check.xml"} {
		if err != nil || !strings.Contains(string(listed), want) {
			t.Errorf("no %s in the archive: %v\n%s", want, err, listed)
		}
	}
	distributor.Must(t, os.RemoveAll(filepath.Join(c.dir, "vm/ci.core")))
}
