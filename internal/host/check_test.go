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
	"coreos-libvirt/internal/host/testbed"
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

func TestCard(t *testing.T) {
	const c = "sys/class/net/eth0/"
	for want, card := range map[string]struct {
		fault bool
		files map[string]string
	}{
		"there is no card eth0":      {true, map[string]string{"sys/class/net/x": ""}},
		"eth0 is Wi-Fi":              {true, map[string]string{c + "flags": "0x1003", c + "wireless/x": ""}},
		"eth0 is a port of a bridge": {true, map[string]string{c + "flags": "0x1003", c + "brport/x": ""}},
		"eth0 is down":               {true, map[string]string{c + "flags": "0x1002"}},
		"direct=eth0: macvtap keeps": {true, map[string]string{c + "flags": "0x1003"}},
		"hint: ip link set eth0 up":  {true, map[string]string{c + "flags": "0x1002"}},
	} {
		found, err := tree(t, card.files).Card("eth0")
		expect(t, card.fault, want, found, err)
	}
}

func TestBeside(t *testing.T) {
	const n = "sys/class/net/"
	root := tree(t, map[string]string{
		n + "eth0/upper_eth0.7/x": "", n + "eth0.7/uevent": "DEVTYPE=vlan\n",
		n + "eth0/upper_macvtap0/x": "", n + "macvtap0/uevent": "INTERFACE=macvtap0\n",
		n + "eth0/upper_own/x": "", n + "own/uevent": "INTERFACE=own\n",
	})
	if got := root.Beside("eth0", func(link string) bool { return link != "macvtap0" }); got != "own" {
		t.Errorf("got %q", got)
	}
	if got := root.Beside("eth0", func(link string) bool { return link == "eth0.7" }); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestNetfilter(t *testing.T) {
	const b = "proc/sys/net/bridge/bridge-nf-call-"
	seen := tree(t, map[string]string{b + "iptables": "1\n", b + "ip6tables": "0\n", b + "arptables": "1\n"})
	passed := tree(t, map[string]string{b + "iptables": "0\n"})
	const head = "table inet x {\n\tset s {\n\t}\n\tchain f {\n\t\ttype filter hook forward priority filter; policy "
	for rules, fault := range map[string]bool{
		"-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n":                                  true,
		"-P FORWARD DROP\n-A FORWARD -i br0 -o br0 -j ACCEPT\n":                         false,
		"-P FORWARD DROP\n-A FORWARD -i br1 -o br1 -j ACCEPT\n":                         true,
		"-P FORWARD ACCEPT\n-A FORWARD -i br0 -j REJECT --reject-with x\n":              true,
		"-P FORWARD ACCEPT\n-A FORWARD -j REJECT\n-A FORWARD -i br0 -o br0 -j ACCEPT\n": true,
		"-P FORWARD ACCEPT\n":    false,
		"":                       false,
		head + "drop;\n\t}\n}\n": true,
		head + "accept;\n\t\tct state x accept\n\t\treject with icmpx admin-prohibited\n\t}\n}\n":                        true,
		head + "drop;\n\t\tiifname \"br0\" oifname \"br0\" counter packets 3 bytes 9 accept\n\t\tdrop\n\t}\n}\n":         false,
		head + "accept;\n\t}\n\tchain i {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tdrop\n\t}\n}\n": false,
	} {
		found, err := seen.Netfilter(rules, "br0")
		if want := "nothing there drops them"; fault {
			expect(t, true, "sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-arptables=0", found, err)
		} else {
			expect(t, false, want, found, err)
		}
		found, err = passed.Netfilter(rules, "br0")
		expect(t, false, "pass it by", found, err)
	}
	found, err := tree(t, nil).Netfilter("-P FORWARD DROP", "br0") // br_netfilter is not loaded
	expect(t, false, "pass it by", found, err)
	found, err = passed.Netfilter(strings.Replace(head, "inet", "bridge", 1)+"drop;\n\t}\n}\n", "br0")
	expect(t, true, "family bridge drops what bridges carry", found, err)
}

// TestRules has packet filters of each kind, real ones.
func TestRules(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const drop = "{ type filter hook forward priority 0; policy drop; }"
	for rules, fault := range map[string]bool{
		"true": false,
		"iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER":                                     true,
		"iptables -P FORWARD DROP; iptables -I FORWARD -i br0 -o br0 -j ACCEPT":                                                     false,
		"ip6tables -A FORWARD -j REJECT":                                                                                            true,
		"nft add table inet x; nft add chain inet x f '" + drop + "'":                                                               true,
		"nft add table inet x; nft add chain inet x f '" + drop + "'; nft add rule inet x f iifname br0 oifname br0 counter accept": false,
		"nft add table bridge x; nft add chain bridge x f '" + drop + "'":                                                           true,
	} {
		testbed.Run(t, "sh", "-ec", "sysctl -qw net.bridge.bridge-nf-call-iptables=1; "+rules)
		found, err := Root("/").Netfilter(Rules(t.Context()), "br0")
		if t.Logf("%s: %s, %v", rules, found, err); (err != nil) != fault {
			t.Errorf("%s: want a fault: %t", rules, fault)
		}
		testbed.Run(t, "sh", "-c", "iptables -P FORWARD ACCEPT; iptables -F; iptables -X; ip6tables -F; nft flush ruleset")
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
	if ok || len(results) != 2 || results[0] != (Result{"bad", false, false, "it lacks", "do this"}) || results[1] != (Result{"good", true, false, "fine", ""}) {
		t.Errorf("got %+v, %t", results, ok)
	}
	warns := Check{"warns", func(context.Context) (string, error) { return "", Warn(hint.Errorf("do this", "it may do")) }}
	results, ok = RunAll(t.Context(), []Check{good, warns})
	if !ok || results[1] != (Result{"warns", false, true, "it may do", "do this"}) || Warn(nil) != nil {
		t.Errorf("got %+v, %t", results, ok)
	}
}
