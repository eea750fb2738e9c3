//go:build lab

package tests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// TestHosts is one story of a lab with several hosts, on tiny guests: each part leaves it as it was.
func TestHosts(t *testing.T) {
	onlyInFull(t)
	t.Parallel()
	c := newClone(t)
	c.compile(t)
	t.Cleanup(func() { c.mage(t, "labdown") })
	for _, part := range []struct {
		says string
		test func(*testing.T, clone)
	}{
		{"a lab that is killed while it is made", labKilled},
		{"another machine is looked at, set up, and as it was before", machineSetUp},
		{"a machine that cannot be reached", machineAway},
	} {
		if !t.Run(part.says, func(t *testing.T) { part.test(t, c) }) {
			return
		}
	}
}

// labKilled: whenever the run that makes the lab is killed, labdown leaves nothing.
func labKilled(t *testing.T, c clone) {
	begin := time.Now()
	c.mage(t, "lab", "hosts=2")
	whole := time.Since(begin)
	c.mage(t, "labdown")
	for i := range 6 {
		cmd := c.command("lab", "hosts=2")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		distributor.Must(t, cmd.Start())
		time.Sleep(whole * time.Duration(i+1) / 7)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		c.mage(t, "labdown")
		for deadline := time.Now().Add(pace.Hang); len(c.processes(t)) > 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("killed after %d/7 of %s, labdown leaves %q", i+1, whole, c.processes(t))
			}
		}
		if left, err := os.ReadDir(c.world().State()); err == nil {
			t.Errorf("left: %v", left)
		}
	}
}

// debianHasLibvirt makes a hypervisor one whose packages are installed: the lab has their programs, and dpkg does not know of them.
const debianHasLibvirt = `
cp -a /var/lib/dpkg /tmp/dpkg
for package in $0; do
  grep -q "^Package: $package\$" /tmp/dpkg/status || printf '\nPackage: %s\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' $package >>/tmp/dpkg/status
done
mount --bind /tmp/dpkg /var/lib/dpkg
`

// machineSetUp changes hv1 and takes it back, from the lab's host, which stays as it is. The hypervisor has no Go.
func machineSetUp(t *testing.T, c clone) {
	c.mage(t, "lab", "hosts=2")
	hv1 := c.world().Host(1)
	on := func(command string) string {
		t.Helper()
		out, err := hv1.Command(t.Context(), "sh", "-c", command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	on("mount -t tmpfs tmpfs /usr/local")
	out := c.mage(t, "lab", "host:setup", "host=hv1", "uri=qemu+ssh://root@hv1/system")
	packages := ""
	for line := range strings.Lines(out) {
		if list, is := strings.CutPrefix(line, "apt-get install --no-install-recommends "); is {
			packages = strings.TrimSpace(list)
		}
	}
	distributor.Must(t, hv1.Command(t.Context(), "bash", "-ec", debianHasLibvirt, packages).Run())

	files := func() string {
		return on("cd /etc; find . -type f | sort | xargs sha256sum; cat /proc/sys/net/bridge/bridge-nf-call-* 2>/dev/null; ls /tmp /var/tmp /root")
	}
	before := files()
	if out, err := c.try("lab", "host:setup", "host=root@hv1", "format=json"); err != nil || !json.Valid([]byte(jsonIn(out))) || files() != before {
		t.Errorf("it should only say what it would do: %v\n%s", err, out)
	}
	c.mage(t, "lab", "host:setup", "host=root@hv1", "apply=true")
	if record := on("cat /var/lib/coreos-libvirt/host.json"); !json.Valid([]byte(record)) || !strings.Contains(record, `"done": true`) || files() == before {
		t.Errorf("it has done nothing there: %s", record)
	}
	if out := c.mage(t, "lab", "host:setup", "host=hv1", "uri=qemu+ssh://root@hv1/system"); !strings.Contains(out, "# nothing is missing") || !strings.Contains(out, "lab host:check host=hv1") {
		t.Errorf("again: %s", out)
	}
	if _, err := c.world().Command(t.Context(), "ls", "/var/lib/coreos-libvirt/host.json").Output(); err == nil {
		t.Error("the lab's own host was changed")
	}
	out, err := c.try("lab", "host:check", "host=root@hv1", "bridge=br7")
	if err == nil || !strings.Contains(out, "FAIL  network              there is no bridge br7\n") || !strings.Contains(out, " lab host:setup host=root@hv1 bridge=br7 apply=true") {
		t.Errorf("host:check: %v\n%s", err, out)
	}
	c.mage(t, "lab", "host:undo", "host=root@hv1")
	if after := files(); after != before {
		t.Errorf("it is not as before:\n%s\nand was\n%s", after, before)
	}
	if left := on("ls /var/lib/coreos-libvirt 2>/dev/null | grep -v lock || true"); left != "" {
		t.Errorf("left: %s", left)
	}
}

// jsonIn is the list in what was printed.
func jsonIn(out string) string {
	if begin, end := strings.Index(out, "["), strings.LastIndex(out, "]"); begin >= 0 && end > begin {
		return out[begin : end+1]
	}
	return ""
}

// machineAway: each says which machine, what ssh says, and what to type.
func machineAway(t *testing.T, c clone) {
	c.mage(t, "lab", "hosts=2")
	w := c.world()
	away := func(host string, want ...string) {
		t.Helper()
		out, err := c.try("lab", "host:check", "host="+host)
		for _, text := range append(want, "\nhint: ") {
			if err == nil || !strings.Contains(out, text) {
				t.Errorf("host=%s: no %q in %v\n%s", host, text, err, out)
			}
		}
	}
	away("nobody@hv1", "cannot log in to hv1 by ssh", "Permission denied", "ssh-copy-id nobody@hv1")
	known := filepath.Join(w.SSH(), "known_hosts")
	keys, err := os.ReadFile(known)
	distributor.Must(t, err)
	distributor.Must(t, os.WriteFile(known, nil, 0o600))
	away("root@hv1", "cannot log in to hv1 by ssh", "Host key verification failed", "`ssh root@hv1` once shows the key of the machine")
	distributor.Must(t, os.WriteFile(known, keys, 0o600))
	distributor.Must(t, w.Host(2).Off(t.Context()))
	away("root@hv2", "cannot log in to hv2 by ssh", "`ssh root@hv2` says more")
	distributor.Must(t, w.Host(2).On(t.Context()))
	c.mage(t, "lab", "host:undo", "host=root@hv2")
}
