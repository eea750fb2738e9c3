package restoration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/loopback"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/sshserver"
	"coreos-libvirt/internal/workspace"
)

var moduleRoot, _ = filepath.Abs("../../..")

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// systemd is a fake of systemctl, with one unit, which starts a real etcd: no systemd runs beside the one of this machine.
const systemd = `#!/bin/sh
running() { [ -e "$NODE_DIR/pid" ] && kill -0 "$(cat "$NODE_DIR/pid")" 2>/dev/null; }
case $1 in
list-unit-files) echo "etcd.service enabled enabled" ;;
list-units) running && echo "etcd.service loaded active running etcd" || : ;;
show) case $* in
  *--value*) echo "{ path=/bin/bash ; argv[]=/bin/bash /etc/etcd.sh ; ignore_errors=no }" ;;
  *) echo LoadState=loaded; running && echo ActiveState=active || echo ActiveState=inactive; echo UnitFileState=enabled; echo Environment= ;;
  esac ;;
cat) echo "ExecStart=/usr/bin/etcd --data-dir=/var/lib/etcd" ;;
reset-failed) ;;
stop) if running; then kill -TERM "$(cat "$NODE_DIR/pid")"; while running; do sleep 0.05; done; fi ;;
start)
  [ ! -e "$NODE_DIR/broken" ] || { echo "etcd.service: fails" >&2; exit 1; }
  running || { setsid sh -c 'exec "$NODE_DIR/etcd" $(cat "$NODE_DIR/flags")' <&- >>"$NODE_DIR/log" 2>&1 & echo $! >"$NODE_DIR/pid"; } ;;
*) echo "systemctl $*: a test knows no such thing" >&2; exit 1 ;;
esac
`

// superuser is a fake of sudo, which goes into the node's own namespaces: its processes and its mounts are all that are there.
const superuser = `#!/bin/sh
[ "$1" = -n ] && shift
exec nsenter -m -p -t "$NODE_PID" -- "$@"
`

// bed is a cluster of three nodes, each in namespaces of its own on this machine, with real etcd members.
type bed struct {
	Cluster
	t     *testing.T
	said  *bytes.Buffer
	noted workspace.Unfinished
	dirs  []string // of the nodes, on this machine; data is the node's /var/lib/etcd
	pids  []int    // of processes in the nodes' namespaces

	mu   sync.Mutex
	cuts map[string]string // verbs, by the nodes that are cut off when they are asked for it

	onSwap func() // is called when the third node is asked to put the new data in place; may be nil
}

// live is one whose etcd has formed. If it is small, there is little room on its second node.
func live(t *testing.T, small bool) *bed {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces")
	}
	system, err := settings.Load(nil, settings.System()) // whose helper is built only once
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, said: &bytes.Buffer{}, cuts: map[string]string{}}
	ws := workspace.Workspace{Root: t.TempDir()}
	v := &b.View
	v.Log = progress.New(b.said)
	v.Options = generation.Options{
		Dir: ws.VM(), Prefix: "core", Nodes: workspace.Nodes(ws.VM(), "core", 3), Say: v.Log.Say,
		Helper: etcd.NewHelper(moduleRoot, filepath.Join(system.Cache, "bin")), Bridge: func() (string, error) { return "", errors.New("there is no bridge") },
	}
	t.Cleanup(v.Options.Helper.Close)
	v.Reach, v.SSH = reach.Nodes{Workspace: ws, Ready: true}, members.SSH{Access: guest.Access{Dir: ws.SSH("core"), New: true}, User: "core"}
	v.Timeout, v.Times = 2*time.Minute, &timeline.Record{}
	b.Folder, b.Back = workspace.RestoreFolder(ws, "core"), "mage restore prefix=core"
	b.Note = func(u workspace.Unfinished) error { b.noted = u; return nil }
	if err := os.MkdirAll(ws.VM(), 0o755); err != nil {
		t.Fatal(err)
	}
	b.form(small)
	return b
}

// form makes the nodes, and starts their etcd.
func (b *bed) form(small bool) {
	b.t.Helper()
	names, addresses, initial := []string{}, []string{}, []string{}
	for i, node := range b.View.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, loopback.Address(i+1))
		initial = append(initial, node.Name+"=http://"+addresses[i]+":2380")
		b.Nodes = append(b.Nodes, boot.Node{
			Step: plan.Step{Node: node, Action: plan.Keep, Running: true},
			Report: guest.Report{HostName: node.Name, Interfaces: []guest.Interface{
				{MAC: workspace.MAC(node.Name), Addresses: []guest.Address{{Family: "inet", Local: addresses[i], Scope: "global"}}},
			}},
		})
	}
	token := discovery.Static(names, addresses, false)
	token.Formed = true
	b.View.Generation.Token = &token
	servers := map[string]*sshserver.Server{}
	for i, name := range names {
		b.node(small && i == 1)
		servers[name] = sshserver.Start(b.t, b.dirs[i], "NODE_DIR="+b.dirs[i], fmt.Sprint("NODE_PID=", b.pids[i]), "PATH="+b.dirs[i]+"/bin:"+os.Getenv("PATH")) //nolint:forbidigo // a test's own word
		servers[name].Cuts = func(command string) bool { return b.isCut(name, command) }
		client, peer := "http://"+addresses[i]+":2379", "http://"+addresses[i]+":2380"
		b.save(filepath.Join(b.dirs[i], "flags"), strings.Join([]string{
			"--name=" + name, "--data-dir=/var/lib/etcd", "--log-level=error", "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=" + strings.Join(initial, ","),
		}, " "), 0o600)
		b.systemctl(i, "start")
	}
	sshserver.Nodes(b.t, servers)
	if _, err := members.AwaitHealthy(b.hanging(), b.View, b.Nodes); err != nil {
		b.t.Fatalf("%v\n%s", err, b.said)
	}
}

// node makes a node's namespaces. If it is small, there is room for one member's data and not for two.
func (b *bed) node(small bool) {
	b.t.Helper()
	dir := b.t.TempDir()
	b.dirs = append(b.dirs, dir)
	b.save(filepath.Join(dir, "bin/systemctl"), systemd, 0o700)
	b.save(filepath.Join(dir, "bin/sudo"), superuser, 0o700)
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "lib/etcd"), 0o700), os.Symlink(etcdserver.Program(b.t), filepath.Join(dir, "etcd"))); err != nil {
		b.t.Fatal(err)
	}
	mount := ""
	if small {
		mount = "mount -t tmpfs -o size=160m,mode=700 small /var/lib/etcd;"
	}
	keeper := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
		`mount --bind "$1/lib" /var/lib;`+mount+`touch "$1/ready"; while :; do sleep 0.2; done`, "sh", dir)
	if err := keeper.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = keeper.Process.Kill(); _ = keeper.Wait() })
	for begin := time.Now(); !workspace.Exists(filepath.Join(dir, "ready")); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > pace.Hang {
			b.t.Fatal("a node's namespaces are not made")
		}
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", keeper.Process.Pid))
	pid := 0
	if _, failed := fmt.Sscan(string(children), &pid); err != nil || failed != nil {
		b.t.Fatal(err, failed)
	}
	b.pids = append(b.pids, pid)
}

func (b *bed) save(path, text string, mode os.FileMode) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		b.t.Fatal(err)
	}
}

// systemctl does something on the node.
func (b *bed) systemctl(i int, words ...string) {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(b.dirs[i], "bin/sudo"), append([]string{filepath.Join(b.dirs[i], "bin/systemctl")}, words...)...)
	cmd.Env = append(os.Environ(), "NODE_DIR="+b.dirs[i], fmt.Sprint("NODE_PID=", b.pids[i]))
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// cut cuts the node off when it is asked for the verb; without one it answers again.
func (b *bed) cut(node, verb string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cuts[node] = verb
}

func (b *bed) isCut(node, command string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.onSwap != nil && node == "core03" && strings.Contains(command, " restore swap ") {
		b.onSwap()
	}
	verb := b.cuts[node]
	return verb == "all" || verb != "" && strings.Contains(command+" ", " restore "+verb+" ")
}

func (b *bed) hanging() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), pace.Hang)
	b.t.Cleanup(cancel)
	return ctx
}

// healthy waits until all members are.
func (b *bed) healthy() error {
	_, err := members.AwaitHealthy(b.hanging(), b.View, b.Nodes)
	return err
}

// makeRoom gives the node room for more.
func (b *bed) makeRoom(i int) error {
	return exec.Command("nsenter", "-m", "-t", fmt.Sprint(b.pids[i]), "mount", "-o", "remount,size=1g", "/var/lib/etcd").Run()
}

// timeOf is a time that no other text has.
func timeOf(text string) time.Time {
	sum := 0
	for _, c := range text {
		sum = (sum*31 + int(c)) % (1 << 20)
	}
	return time.Date(2026, 1, 1, 0, 0, sum, 0, time.UTC)
}

// client is one of the first node's member.
func (b *bed) client(user, password string) *clientv3.Client {
	b.t.Helper()
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{b.View.ClientURL(b.Nodes[0].Address())}, DialTimeout: time.Minute, Logger: zap.NewNop(), Username: user, Password: password,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

// backup is a snapshot of the etcd.
func (b *bed) backup() Snapshot {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "core.db")
	saved, err := b.View.Client().Backup(b.hanging(), b.View.ClientURL(b.Nodes[0].Address()), path)
	if err != nil {
		b.t.Fatal(err)
	}
	return Snapshot{Path: path, Snapshot: saved}
}

// names are what is in a node's data folder.
func (b *bed) names(i int) (names []string) {
	b.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/var/lib/etcd", b.pids[i]))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
