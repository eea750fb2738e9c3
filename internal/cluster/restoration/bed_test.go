package restoration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/terminal/shellword"
	"coreos-libvirt/internal/testkit/etcdnodes"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
)

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// superuser is a fake of sudo, which goes into the node's own namespaces: its processes and its mounts are all that are there.
const superuser = `#!/bin/sh
[ "$1" = -n ] && shift
exec nsenter -m -p -t "$NODE_PID" -- "$@"
`

// bed is a cluster of three nodes, each in namespaces of its own on this machine, with real etcd members.
type bed struct {
	Cluster
	nodes *etcdnodes.Bed // with the nodes' folders; lib/etcd is the node's /var/lib/etcd
	t     *testing.T
	noted workspace.Unfinished
	pids  []int // of processes in the nodes' namespaces

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
	b := &bed{t: t, cuts: map[string]string{}, nodes: etcdnodes.New(t, "../../..", 3, false)}
	b.View, b.Nodes = b.nodes.View, b.nodes.Nodes()
	b.Folder, b.Back = workspace.RestoreFolder(b.View.Reach.Workspace, "core"), "mage restore prefix=core"
	b.Note = func(u workspace.Unfinished) error { b.noted = u; return nil }
	b.form(small)
	return b
}

// form makes the nodes, and starts their etcd.
func (b *bed) form(small bool) {
	b.t.Helper()
	for i := range b.Nodes {
		b.node(i+1, small && i == 1)
	}
	servers := b.nodes.LetIn(superuser, b.env)
	for i, node := range b.Nodes {
		name := node.Step.Node.Name
		servers[name].Cuts = func(command string) bool { return b.isCut(name, command) }
		client, peer := b.View.ClientURL(node.Address()), "http://"+node.Address()+":"+peerPort
		b.nodes.Save(b.nodes.In(i+1, "start"), etcdnodes.Exec(b.nodes.In(i+1, "etcd"),
			"--name="+name, "--data-dir=/var/lib/etcd", "--log-level=error", "--listen-client-urls="+client, "--advertise-client-urls="+client,
			"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster="+b.nodes.Token.ID), 0o600)
		b.systemctl(i, "start")
	}
	if err := b.nodes.Healthy(); err != nil {
		b.t.Fatalf("%v\n%s", err, b.nodes.Said)
	}
}

// env has what superuser needs to know of the node of that number.
func (b *bed) env(node int) []string { return []string{fmt.Sprint("NODE_PID=", b.pids[node-1])} }

// node makes a node's namespaces. If it is small, there is room for one member's data and not for two.
func (b *bed) node(number int, small bool) {
	b.t.Helper()
	dir := b.nodes.In(number, "")
	b.nodes.Must(os.MkdirAll(filepath.Join(dir, "lib/etcd"), 0o700), os.Symlink(etcdserver.Program(b.t), filepath.Join(dir, "etcd")))
	mount := ""
	if small {
		mount = "mount -t tmpfs -o size=160m,mode=700 small /var/lib/etcd;"
	}
	keeper := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
		`mount --bind "$1/lib" /var/lib;`+mount+`touch "$1/ready"; while :; do sleep 0.2; done`, "sh", dir)
	b.nodes.Must(keeper.Start())
	b.t.Cleanup(func() { _ = keeper.Process.Kill(); _ = keeper.Wait() })
	for begin := time.Now(); !workspace.Exists(filepath.Join(dir, "ready")); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > pace.Hang {
			b.t.Fatal("a node's namespaces are not made")
		}
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", keeper.Process.Pid))
	pid := 0
	_, failed := fmt.Sscan(string(children), &pid)
	b.nodes.Must(err, failed)
	b.pids = append(b.pids, pid)
}

// systemctl does something with the unit of the node of that index.
func (b *bed) systemctl(i int, verb string) {
	b.t.Helper()
	cmd := exec.Command(b.nodes.In(i+1, "bin/sudo"), b.nodes.In(i+1, "bin/systemctl"), verb, "etcd.service")
	cmd.Env = append(os.Environ(), b.env(i+1)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%s", verb, err, out)
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
	if b.onSwap != nil && node == "core03" && strings.Contains(command, " restore 'swap' ") {
		b.onSwap()
	}
	verb := b.cuts[node]
	return verb == "all" || verb != "" && (strings.Contains(command+" ", " restore "+shellword.Of(verb)+" ") || strings.HasSuffix(command, " "+verb))
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

// backup is a snapshot of the etcd.
func (b *bed) backup() Snapshot {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "core.db")
	saved, err := b.View.Client().Backup(b.nodes.Within(), b.View.ClientURL(b.Nodes[0].Address()), path)
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
