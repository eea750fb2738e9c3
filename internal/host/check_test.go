package host

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/hint"
)

// tree makes files below a folder that stands for the root.
func tree(t *testing.T, files map[string]string) Root {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Root(root)
}

// expect compares what a check gives with a part of it; a fault must have one remedy.
func expect(t *testing.T, fault bool, want, found string, err error) {
	t.Helper()
	if err != nil {
		found = err.Error()
	}
	if (err != nil) != fault || !strings.Contains(found, want) || fault && strings.Count(found, "\nhint: ") != 1 {
		t.Errorf("want %q (a fault: %t), got %q", want, fault, found)
	}
}

func TestBridge(t *testing.T) {
	const b = "sys/class/net/br0/"
	for want, c := range map[string]struct {
		fault bool
		files map[string]string
	}{
		"there is no bridge br0":           {true, map[string]string{"sys/class/net/eth0/x": ""}},
		"has no port on a physical":        {true, map[string]string{b + "bridge/stp_state": "0", b + "brif/vnet3/x": ""}},
		"lets a new port wait 30 s (STP)":  {true, map[string]string{b + "bridge/stp_state": "1", b + "bridge/forward_delay": "1500", b + "brif/eth0/x": ""}},
		"br0, with eth0":                   {false, map[string]string{b + "bridge/stp_state": "0", b + "bridge/forward_delay": "1500", b + "brif/eth0/x": ""}},
		"hint: ip link set <card> master ": {true, map[string]string{b + "bridge/stp_state": "0"}},
	} {
		found, err := tree(t, c.files).Bridge("br0")
		expect(t, c.fault, want, found, err)
	}
}

func TestNetfilter(t *testing.T) {
	const b = "proc/sys/net/bridge/bridge-nf-call-"
	seen := tree(t, map[string]string{b + "iptables": "1\n", b + "ip6tables": "0\n", b + "arptables": "1\n"})
	for rules, fault := range map[string]bool{
		"-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n":                     true,
		"-P FORWARD ACCEPT\n-A FORWARD -i br0 -j REJECT --reject-with x\n": true,
		"-P FORWARD ACCEPT\n": false,
		"":                    false,
		"table inet x { chain f { type filter hook forward priority 0; policy drop; } }":                                    true,
		"table inet x {\n chain f {\n type filter hook forward priority 0; policy accept;\n ct state x accept\n reject\n }": true,
		"table inet x {\n chain i {\n type filter hook input priority 0; policy drop;\n }":                                  false,
	} {
		found, err := seen.Netfilter(rules)
		if want := "nothing there drops them"; fault {
			expect(t, true, "hint: sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-arptables=0", found, err)
		} else {
			expect(t, false, want, found, err)
		}
	}
	found, err := tree(t, map[string]string{b + "iptables": "0\n"}).Netfilter("-P FORWARD DROP")
	expect(t, false, "pass it by", found, err)
	found, err = tree(t, nil).Netfilter("-P FORWARD DROP") // br_netfilter is not loaded
	expect(t, false, "pass it by", found, err)
}

// TestRulesOfDocker has a packet filter as Docker leaves it, in a network namespace.
func TestRulesOfDocker(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes a network namespace")
	}
	if _, err := exec.LookPath("iptables"); err != nil {
		t.Skip("there is no iptables")
	}
	out, err := exec.Command("unshare", "--net", "sh", "-ec", "iptables -P FORWARD DROP; iptables -S FORWARD").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !dropping.Match(out) {
		t.Errorf("not seen in\n%s", out)
	}
}

func TestMemoryAndSpace(t *testing.T) {
	root := tree(t, map[string]string{"proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable: 4194304 kB\n"})
	found, err := root.Memory(3, 1024)
	expect(t, false, "4096 MiB available, 3 nodes want 3072 MiB", found, err)
	found, err = root.Memory(3, 2048)
	expect(t, true, "hint: mage up nodes=3 ram=1280", found, err)
	found, err = Space("/nowhere/at/all", 1)
	expect(t, false, "/ has ", found, err)
	found, err = Space("/", 1<<20)
	expect(t, true, "hint: mage prune", found, err)
}

func TestQEMUUser(t *testing.T) {
	root := tree(t, map[string]string{"etc/libvirt/qemu.conf": "#user = \"wrong\"\nuser = \"+somebody\"\n"})
	if got := root.QEMUUser(); got != "somebody" {
		t.Errorf("got %s", got)
	}
}

func TestReaches(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("looks at folders as another user would")
	}
	base, err := os.MkdirTemp("/var/tmp", "reaches") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	if err := os.MkdirAll(filepath.Join(base, "closed", "vm"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{base, filepath.Join(base, "closed")} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	vm := filepath.Join(base, "closed", "vm")
	found, err := Reaches("nobody", vm)
	expect(t, false, vm+", by nobody", found, err)
	if err := os.Chmod(filepath.Dir(vm), 0o700); err != nil {
		t.Fatal(err)
	}
	found, err = Reaches("nobody", vm)
	expect(t, true, "hint: setfacl -m u:nobody:x "+filepath.Dir(vm), found, err)
	asNobody := exec.Command("setpriv", "--reuid=nobody", "--clear-groups", "ls", vm) // what the check says is so
	if out, err := asNobody.CombinedOutput(); err == nil {
		t.Errorf("nobody gets there: %s", out)
	}
	found, err = Reaches("root", vm)
	expect(t, false, "QEMU is root", found, err)
	if _, err := user.Lookup("no-such-user"); err != nil {
		found, err = Reaches("no-such-user", vm)
		expect(t, true, "there is no user", found, err)
	}
}

func TestRunAll(t *testing.T) {
	good := Check{"good", func(context.Context) (string, error) { return "fine", nil }}
	bad := Check{"bad", func(context.Context) (string, error) { return "", hint.Errorf("do this", "it lacks") }}
	results, ok := RunAll(t.Context(), []Check{bad, good})
	if ok || len(results) != 2 || results[0] != (Result{"bad", false, "it lacks", "do this"}) || results[1] != (Result{"good", true, "fine", ""}) {
		t.Errorf("got %+v, %t", results, ok)
	}
	if _, ok := RunAll(t.Context(), []Check{good}); !ok {
		t.Error("all is well, and it fails")
	}
}
