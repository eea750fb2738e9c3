package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/testkit/testbed"
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

// TestBridge has real bridges, with faults and without.
func TestBridge(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const root, card = Root("/"), "ip link set eth0 master br0"
	forwards := func() error {
		if state := root.Read("sys/class/net/eth0/brport/state"); state != "3" {
			return errors.New("state " + state)
		}
		return nil
	}
	for _, c := range []struct {
		fault      bool
		make, want string
	}{
		{true, "ip link del br0", "there is no bridge br0"},
		{true, card, "the bridge br0 is down\nhint: sudo ip link set br0 up"},
		{true, card + "; ip link set br0 up; ip link set eth0 down", "eth0, the port of the bridge br0, is down\nhint: sudo ip link set eth0 up"},
		{true, "ip link set br0 up", "has no port on a physical network: no DHCP server is behind it\nhint: sudo env "},
		{true, "ip link set br0 up; ip tuntap add dev guest7 mode tap; ip link set guest7 up master br0", "has no port on a physical"},
		{true, "ip link set br0 up; ip link add veth7 type veth peer name peer7; ip link set veth7 up master br0", "has only ports that look like containers' (veth7)"},
		{true, "ip link set br0 type bridge stp_state 1 forward_delay 1500; ip link set br0 up;" + card, "lets a new port wait 30 s (STP): DHCP may give up before\nhint: sudo ip link set br0 type bridge forward_delay 200"},
		{true, "ip link set br0 type bridge stp_state 1 forward_delay 400; ip link set br0 up;" + card, "eth0, the port of the bridge br0, listens only (STP: wait)"},
		{false, "ip link set br0 up;" + card, "br0, with eth0"},
	} {
		testbed.Run(t, "sh", "-ec", "ip link del br0 2>/dev/null || true; ip link add br0 type bridge; ip link set eth0 up;"+c.make)
		if !c.fault {
			testbed.Await(t, 3e9, forwards)
		}
		found, err := root.Bridge("br0")
		expect(t, c.fault, c.want, found, err)
		if IsWarning(err) != strings.Contains(c.make, "veth7") {
			t.Errorf("%s: a warning is for what may be: %v", c.make, err)
		}
	}
	testbed.Outside(t, "ip", "link", "set", "uplink", "down")
	found, err := root.Bridge("br0")
	expect(t, true, "eth0, the port of the bridge br0, has no carrier", found, err)
}

// A bridge without port gets a card that nothing uses, and never the one that carries the host.
func TestPortFor(t *testing.T) {
	const n = "sys/class/net/"
	cards := map[string]string{
		n + "br0/x": "", n + "br1/x": "", n + "eth0/device/x": "", n + "wlan0/device/x": "", n + "wlan0/wireless/x": "", n + "eth1/device/x": "", n + "eth1/master/x": "",
		"proc/net/route": "h\neth0 00000000 01004E0A 0003 0 0 100 00000000 0 0 0\n",
	}
	if got := tree(t, cards).portFor("br0"); !strings.HasSuffix(got, "mage host:setup bridge=br2 apply=true   # another bridge, over the card; then bridge=br2") {
		t.Errorf("got %s", got)
	}
	cards[n+"eth2/device/x"] = ""
	if got := tree(t, cards).portFor("br0"); got != "sudo ip link set eth2 master br0 up" {
		t.Errorf("got %s", got)
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

func TestMemoryAndSpace(t *testing.T) {
	root := tree(t, map[string]string{"proc/meminfo": "MemTotal: 9000000 kB\nMemAvailable: 4194304 kB\n"})
	found, err := root.Memory(3, 1024)
	expect(t, false, "4096 MiB available, 3 nodes want 3072 MiB", found, err)
	found, err = root.Memory(3, 2048)
	expect(t, true, "hint: ram=1280 is what fits", found, err)
	if err != nil && strings.Contains(err.Error(), "nodes=") { // with which up would remove those that run
		t.Errorf("got %v", err)
	}
	found, err = root.Memory(30, 1024)
	expect(t, true, "hint: free -m ", found, err)
	found, err = Space("/nowhere/at/all", 1, "one node")
	expect(t, false, "/ has ", found, err)
	found, err = Space("/", 1<<20, "many nodes")
	expect(t, true, "hint: mage prune", found, err)
	for _, c := range []struct {
		blocks uint64
		size   int64
		want   int
	}{{1 << 20, 4096, 4}, {255, 4 << 20, 0}, {256, 4 << 20, 1}, {300, 1 << 27, 37}, {1 << 33, 512, 4096}} {
		if got := gib(c.blocks, c.size); got != c.want {
			t.Errorf("%d blocks of %d: got %d GiB", c.blocks, c.size, got)
		}
	}
}

func TestQEMUUser(t *testing.T) {
	for line, want := range map[string]string{`user = "+somebody"`: "somebody", `user = "+0"`: "0", `user="107" # Fedora's`: "107", ` user = "qemu"`: "qemu"} {
		root := tree(t, map[string]string{"etc/libvirt/qemu.conf": "#user = \"wrong\"\nuser_x = \"wrong\"\n" + line + "\n"})
		if got := root.QEMUUser(); got != want {
			t.Errorf("%s: got %s", line, got)
		}
	}
}

// TestReachesByACL has access lists that setfacl makes; what the check says is what the kernel does.
func TestReachesByACL(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Run(t, "sh", "-ec", "groupadd somegroup; useradd --no-user-group -g somegroup somebody; mkdir -p /var/tmp/lists/closed/vm; chmod 755 /var/tmp/lists /var/tmp/lists/closed/vm; chmod 1777 /var/tmp")
	const folder = "/var/tmp/lists/closed"
	for acl, fault := range map[string]bool{
		"true": true, "setfacl -m u:somebody:x " + folder: false, "setfacl -m u:nobody:rwx " + folder: true, "setfacl -m u:somebody:r " + folder: true,
		"setfacl -m u:somebody:x,m::r " + folder: true, "setfacl -m g:somegroup:x " + folder: false, "setfacl -m g:somegroup:r,o::x " + folder: true,
		"setfacl -m u:nobody:x,o::x " + folder: false, "setfacl -m u:somebody:-,o::x " + folder: false, "setfacl -m u:somebody:-,g::r,o::x " + folder: true, "chmod 705 " + folder + "; setfacl -d -m u:somebody:- " + folder: false,
		"chgrp somegroup " + folder + "; setfacl -m u:nobody:x,g::x,m::r " + folder: true, "chgrp somegroup " + folder + "; setfacl -m u:nobody:x,g::x " + folder: false,
	} {
		testbed.Run(t, "sh", "-ec", "setfacl -b "+folder+"; chown root:root "+folder+"; chmod 700 "+folder+";"+acl)
		_, err := Reaches("somebody", folder+"/vm")
		kernel := exec.Command("setpriv", "--reuid=somebody", "--regid=somegroup", "--init-groups", "ls", folder+"/vm").Run()
		if (err != nil) != fault || (kernel != nil) != fault {
			t.Errorf("%s: want a fault: %t, got %v; the kernel: %v", acl, fault, err, kernel)
		}
	}
	testbed.Run(t, "sh", "-ec", "setfacl -b "+folder+"; chmod 700 "+folder)
	_, err := Reaches("somebody", folder+"/vm")
	_, remedy, _ := strings.Cut(err.Error(), "\nhint: sudo ")
	testbed.Run(t, "sh", "-ec", remedy)
	found, err := Reaches("somebody", folder+"/vm")
	expect(t, false, "by somebody", found, err)
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
	expect(t, true, "hint: sudo setfacl -m u:nobody:x "+filepath.Dir(vm), found, err)
	asNobody := exec.Command("setpriv", "--reuid=nobody", "--clear-groups", "ls", vm) // what the check says is so
	if out, err := asNobody.CombinedOutput(); err == nil {
		t.Errorf("nobody gets there: %s", out)
	}
	for _, root := range []string{"root", "0"} {
		found, err = Reaches(root, vm)
		expect(t, false, "QEMU is root", found, err)
	}
	found, err = Reaches("99999", vm) // nobody has that number
	expect(t, true, "QEMU's user 99999 is not let through "+filepath.Dir(vm), found, err)
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
