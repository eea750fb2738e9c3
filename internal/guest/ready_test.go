package guest

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"coreos-libvirt/internal/testkit/pace"
)

// serverWord makes this test's program a fake sshd: one that can be at each stage of its start for as long as the
// test wants. The real one is in the lab's guests.
const serverWord = "fake-sshd"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serverWord {
		fakeSSHD(os.Args[2])
	}
	os.Exit(m.Run())
}

// fakeSSHD listens on port 22 once there is the file "listen" in the folder, sends a banner once there is "banner", and
// shows its key once there is "key".
func fakeSSHD(folder string) {
	for !exists(folder, "listen") {
		time.Sleep(10 * time.Millisecond)
	}
	server, err := net.Listen("tcp", "127.0.0.1:22")
	if err != nil {
		panic(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		panic(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	for {
		conn, err := server.Accept()
		if err != nil {
			panic(err)
		}
		switch {
		case exists(folder, "key"):
			_, _, _, _ = ssh.NewServerConn(conn, config)
		case exists(folder, "banner"):
			_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
		}
		_ = conn.Close()
	}
}

func exists(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

// TestReadyScript runs templates/ready.sh in a network of its own, by each shell that a CoreOS may have as /bin/sh, and
// brings what it needs there one after the other. Each report says what is missing.
func TestReadyScript(t *testing.T) {
	for _, shell := range [][]string{{"bash", "--posix"}, {"dash"}, {"busybox", "sh"}} {
		t.Run(shell[0], func(t *testing.T) {
			t.Parallel()
			readyBy(t, shell)
		})
	}
}

// fakeSystemctl is what systemctl prints, in short: a system of which a unit has failed. This machine may have no systemd that runs.
const fakeSystemctl = `#!/bin/sh
case $1 in
is-system-running) echo degraded; exit 1 ;;
list-units) printf '%s\n' 'dev-disk-by\x2dlabel-swap.swap loaded failed failed Swap' 'web.service loaded activating auto-restart Serves' ;;
esac`

func readyBy(t *testing.T, shell []string) {
	script, err := filepath.Abs("../../templates/ready.sh")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "systemctl"), []byte(fakeSystemctl), 0o700); err != nil {
		t.Fatal(err)
	}
	channel := filepath.Join(folder, "channel")
	if err := syscall.Mkfifo(channel, 0o600); err != nil {
		t.Fatal(err)
	}
	begin := func(file string) {
		if err := os.WriteFile(filepath.Join(folder, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const network = `ip link set lo up
		ip link add eth0 address 52:54:00:d2:b8:64 type veth peer name other
		ip link set eth0 up
		"$1" fake-sshd "$2" & server=$!
		(until [ -e "$2/network" ]; do sleep 0.05; done; ip address add 10.99.0.5/24 dev eth0) & adds=$!
		trap 'kill $server $adds $script 2>/dev/null' TERM
		folder=$2; shift 2
		"$@" "$folder/channel" & script=$!
		wait $script`
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--user", "--map-root-user", "--net", "sh", "-c", network, "sh", own, folder}, shell...)
	cmd := exec.Command("unshare", append(args, script)...)
	cmd.Stderr = os.Stderr
	cmd.Env = []string{"PATH=" + folder + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	})
	host, err := os.OpenFile(channel, os.O_RDWR, 0) // also to write, so that it never ends
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	lines := bufio.NewScanner(host)
	for _, step := range []struct{ brings, waits string }{
		{"", "no address yet"},
		{"network", "nothing listens on port 22 yet"},
		{"listen", "port 22 is open, and sshd shows no banner"},
		{"banner", "no host keys yet"},
		{"key", ""},
	} {
		if step.brings != "" {
			begin(step.brings)
		}
		r := until(t, host, lines, step.waits)
		if step.waits == "" && (len(r.HostKeys) != 1 || !strings.HasPrefix(r.HostKeys[0], "ssh-ed25519 AAAA") || r.Address(mac) != "10.99.0.5" || r.SSHD.At <= 0 || r.Network.At > r.SSHD.At) {
			t.Errorf("got %+v", r)
		}
		want := &Units{State: "degraded", Failed: []string{`dev-disk-by\x2dlabel-swap.swap`, "web.service"}}
		if step.waits != "" {
			want = nil // systemd is busy with the boot
		}
		if !reflect.DeepEqual(r.Units, want) {
			t.Errorf("%s: units are %+v", step.waits, r.Units)
		}
		if r.HostName == "" || r.Uptime <= 0 {
			t.Errorf("%s: got %+v", step.waits, r)
		}
	}
}

// until is the first report that waits for what is said; one that waits for less is wrong.
func until(t *testing.T, host *os.File, lines *bufio.Scanner, waits string) (r Report) {
	t.Helper()
	if err := host.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	seen := []string{}
	for lines.Scan() {
		r = Report{}
		if lines.Text() == "" {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		reason := r.Missing(mac)
		if reason == waits {
			return r
		}
		if seen = append(seen, reason); slices.Contains(seen, "") {
			break
		}
	}
	t.Fatalf("never %q, but %q: %v", waits, seen, lines.Err())
	return r
}

// TestReadyScriptSaysWhatItLacks: a node that cannot say all says what it can, and fails with a reason where it can say nothing.
func TestReadyScriptSaysWhatItLacks(t *testing.T) {
	script, err := filepath.Abs("../../templates/ready.sh")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir() // an image without ip and ssh-keyscan
	for _, program := range []string{"sh", "cat", "tr", "sed", "cut", "grep", "paste", "sleep"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "channel")
	if err := os.WriteFile(out, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", script, out)
	cmd.Env = []string{"PATH=" + bin}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	for deadline := time.Now().Add(pace.Hang); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(out)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("got %v\n%s", err, text)
		}
		var r Report
		if line := strings.TrimSpace(string(text)); json.Unmarshal([]byte(line), &r) == nil && line != "" {
			if r.Missing(mac) != "this image has no program ip" || len(r.Interfaces) == 0 || r.Interfaces[0].MAC == "" {
				t.Errorf("got %+v", r)
			}
			break
		}
	}
}

// TestReadyScriptOnASerialConsole writes a line when something is new, and not each time that it has looked.
func TestReadyScriptOnASerialConsole(t *testing.T) {
	script, err := filepath.Abs("../../templates/ready.sh")
	if err != nil {
		t.Fatal(err)
	}
	console := filepath.Join(t.TempDir(), "console")
	if err := syscall.Mkfifo(console, 0o600); err != nil {
		t.Fatal(err)
	}
	host, err := os.OpenFile(console, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	// a network that never has an address, and looks that are so many that a report comes again
	cmd := exec.Command("unshare", "--user", "--map-root-user", "--net", "sh", "-c", `sleep() { command sleep 0.01; }; set -- "$1" yes; . "$0"`, script, console)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	if err := host.SetReadDeadline(time.Now().Add(pace.Hang)); err != nil {
		t.Fatal(err)
	}
	reports := []Report{}
	for lines := bufio.NewScanner(host); len(reports) < 2 && lines.Scan(); {
		r, is := SerialReport(lines.Text() + "\r")
		if is {
			reports = append(reports, r)
		} else if lines.Text() != "" { // each begins a line of its own
			t.Errorf("got %q", lines.Text())
		}
	}
	if len(reports) < 2 || reports[0].Missing(mac) != "no address yet" || reports[0].BootID != reports[1].BootID {
		t.Fatalf("got %+v", reports)
	}
	if reports[1].Uptime-reports[0].Uptime < 0.3 {
		t.Errorf("the same was said twice within %f seconds", reports[1].Uptime-reports[0].Uptime)
	}
}

func TestLinesThatAreNoReport(t *testing.T) {
	const good = `coreos-libvirt-ready: {"hostname":"core01\u001b[2J","boot_id":"x","network":1.5,"sshd":"no host keys yet"}`
	r, is := SerialReport("[  12.3] " + good + "\r")
	if !is || r.Network.At != 1.5 || r.SSHD.Missing != "no host keys yet" || strings.Contains(r.HostName, "\x1b") {
		t.Errorf("got %+v, %t", r, is)
	}
	for _, line := range []string{"", "coreos-libvirt-ready: ", strings.TrimPrefix(good, "coreos-libvirt-ready: "), good[:60], good + " [ 13.0] random: crng init done", "coreos-libvirt-ready: {}"} {
		if r, is := SerialReport(line); is {
			t.Errorf("%s: got %+v", line, r)
		}
	}
}
