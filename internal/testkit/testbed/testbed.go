// Package testbed is, for tests, a host whose network card somebody manages, in namespaces: what happens to
// its network happens to nobody else's.
package testbed

import (
	_ "embed"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script makes the inside and runs a program there.
//
//go:embed world.sh
var script string

// mark is a file that is inside only.
const mark = "/run/coreos-libvirt-testbed"

// What every host has: a card on a network whose DHCP server is at Server.
const (
	Card   = "eth0"
	MAC    = "02:00:00:00:00:10"
	Server = "10.78.0.1"
)

// Inside reports whether the test runs in a host of its own. Where not, it runs the test there, and reports
// what became of it: the caller returns. The card is managed by networkmanager, networkd, ifupdown or nobody.
func Inside(t *testing.T, manager string) bool {
	t.Helper()
	if _, err := os.Stat(mark); err == nil {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("makes namespaces")
	}
	for _, program := range []string{"dnsmasq", "dbus-daemon", map[string]string{"networkmanager": "NetworkManager", "networkd": "networkctl", "ifupdown": "ifup"}[manager]} {
		if _, err := exec.LookPath(program); program != "" && err != nil {
			t.Skip("there is no " + program)
		}
	}
	t.Parallel() // each is a host of its own, and most of its time waits
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--",
		"bash", "-c", script, "testbed", manager, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1h")
	out, err := cmd.CombinedOutput()
	if t.Logf("%s", out); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("inside: %v", err)
	}
	return false
}

// Run runs a command inside, which must succeed, and gives what it wrote.
func Run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Outside runs a command in the network outside.
func Outside(t *testing.T, argv ...string) string {
	t.Helper()
	pid, err := os.ReadFile("/run/outside.pid")
	if err != nil {
		t.Fatal(err)
	}
	return Run(t, append([]string{"nsenter", "--target", strings.TrimSpace(string(pid)), "--net", "--"}, argv...)...)
}

// PlugOut takes the network outside away. It comes back by itself when the link has come and gone, or gone and come:
// when the change that is made meanwhile is taken back, however long that takes.
func PlugOut(t *testing.T, link string) {
	t.Helper()
	there := func() bool { _, err := net.InterfaceByName(link); return err == nil }
	Outside(t, "ip", "link", "set", "uplink", "down")
	go func() {
		changes, was := 0, there()
		for deadline := time.Now().Add(10 * time.Minute); changes < 2 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if now := there(); now != was {
				changes, was = changes+1, now
			}
		}
		Outside(t, "ip", "link", "set", "uplink", "up")
	}()
}

// Address is the first IPv4 address of the link, or empty.
func Address(link string) string {
	out, _ := exec.Command("ip", "-4", "-oneline", "address", "show", "dev", link).Output()
	words := strings.Fields(string(out)) // 2: eth0    inet 10.78.0.199/24 …
	if len(words) < 4 {
		return ""
	}
	return words[3]
}

// ServerAnswers waits until the network outside can be reached: its server refuses a connection.
func ServerAnswers(t *testing.T) {
	t.Helper()
	Await(t, 5*time.Second, func() error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(Server, "9"), time.Second)
		if err == nil {
			return conn.Close()
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
		return err
	})
}

// busy is by how much longer than on an idle machine everything may take.
const busy = 20

// Await waits until there is content, for a time, and on a busy machine for some of them.
func Await(t *testing.T, patience time.Duration, there func() error) {
	t.Helper()
	err := errors.New("not looked")
	for deadline := time.Now().Add(busy * patience); err != nil; time.Sleep(100 * time.Millisecond) {
		if err = there(); err != nil && time.Now().After(deadline) {
			logs, _ := exec.Command("sh", "-c", "ip address; networkctl --no-pager status eth0; tail -n 40 /run/*.log").CombinedOutput()
			t.Fatalf("after %s: %v\n%s", patience, err, logs)
		}
	}
}

// Guest plugs a guest in the bridge, a namespace with a DHCP client, and gives the address that it gets.
func Guest(t *testing.T, bridge string) (address string, err error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "bash", "-ec", `
ip link del guest0 2>/dev/null || true
unshare --net -- sleep 30 & guest=$!
trap 'kill $guest' EXIT
until [ "$(readlink /proc/$guest/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add guest0 type veth peer name eth0 netns $guest
ip link set guest0 master "$0" up
exec 3>&1
nsenter --target $guest --net -- sh -ec 'ip link set eth0 up; sleep 0.3; udhcpc -f -q -n -t 3 -T 1 -A 0 -i eth0 -s /bin/true' 2>&1
`, bridge).CombinedOutput()
	for line := range strings.Lines(string(out)) { // udhcpc: lease of 10.78.0.142 obtained from 10.78.0.1, lease time 3600
		if _, after, ok := strings.Cut(line, "lease of "); ok {
			address, _, _ = strings.Cut(after, " ")
		}
	}
	t.Logf("guest: %s", strings.TrimSpace(string(out)))
	return address, err
}

// AsUser runs the test again inside, as a user who is in no group, and gives what that process wrote.
func AsUser(t *testing.T) string {
	t.Helper()
	program := os.Args[0]
	Run(t, "chmod", "755", program, filepath.Dir(program), filepath.Dir(filepath.Dir(program)))
	return Run(t, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", program, "-test.run=^"+t.Name()+"$", "-test.v")
}

// Relet makes the DHCP server forget its leases and give others, from the range: another server, as it were.
func Relet(t *testing.T, from, to string) {
	t.Helper()
	Run(t, "sh", "-ec", "kill $(cat /run/dnsmasq.pid); while kill -0 $(cat /run/dnsmasq.pid) 2>/dev/null; do sleep 0.05; done; rm -f /run/leases")
	Outside(t, "dnsmasq", "--conf-file=/dev/null", "--user=root", "--port=0", "--interface=uplink", "--bind-dynamic", "--dhcp-range="+from+","+to+",1h",
		"--dhcp-authoritative", "--no-ping", "--dhcp-leasefile=/run/leases", "--pid-file=/run/dnsmasq.pid", "--log-facility=/run/dnsmasq.log")
}
