package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/testkit/pace"
)

// cluster is a cluster of real members.
type cluster struct {
	clients []string // URLs of the members
	peers   []string
	folders []string // of their data
	running []*exec.Cmd
}

// names are core01, core02, …
func (c cluster) name(i int) string { return fmt.Sprintf("core%02d", i+1) }

// initial is etcd's --initial-cluster.
func (c cluster) initial() string {
	parts := []string{}
	for i, peer := range c.peers {
		parts = append(parts, c.name(i)+"="+peer)
	}
	return strings.Join(parts, ",")
}

// members are three that are healthy.
func members(t *testing.T, flags ...string) cluster {
	t.Helper()
	c := cluster{running: make([]*exec.Cmd, 3)}
	for range 3 {
		c.clients, c.peers, c.folders = append(c.clients, free()), append(c.peers, free()), append(c.folders, filepath.Join(t.TempDir(), "data"))
	}
	for i := range c.clients {
		c.start(t, i, append(flags, "--initial-cluster="+c.initial())...)
	}
	if _, err := programs.helper.WaitHealthy(untilItHangs(t), c.clients, 3, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	return c
}

// start starts the member of that index.
func (c cluster) start(t *testing.T, i int, flags ...string) {
	t.Helper()
	cmd := exec.Command(programs.server, append([]string{
		"--name=" + c.name(i), "--data-dir=" + c.folders[i], "--listen-client-urls=" + c.clients[i], "--advertise-client-urls=" + c.clients[i],
		"--listen-peer-urls=" + c.peers[i], "--initial-advertise-peer-urls=" + c.peers[i], "--log-level=error",
	}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.running[i] = cmd
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// stop ends the member of that index.
func (c cluster) stop(i int) {
	_ = c.running[i].Process.Kill()
	_ = c.running[i].Wait()
}

// client is one of the members.
func (c cluster) client(t *testing.T, user, password string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: c.clients, DialTimeout: time.Minute, Logger: zap.NewNop(), Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// enableUsers turns users on: root, who may do everything, and app, who may read and write keys that begin with app/.
func enableUsers(t *testing.T, client *clientv3.Client) {
	t.Helper()
	ctx := untilItHangs(t)
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "se:cret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.RoleAdd(ctx, "apps"); return err },
		func() error {
			_, err := client.RoleGrantPermission(ctx, "apps", "app/", "app0", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := client.UserAdd(ctx, "app", "known"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "app", "apps"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
}

// as is the helper that logs in.
func as(user, password string) etcd.Helper {
	return programs.helper.As(func() (string, string, error) { return user, password, nil }).ToMembers(etcd.Credentials{})
}

func TestAnEtcdWithUsers(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	c := members(t)
	client := c.client(t, "", "")
	if _, err := client.Put(ctx, "app/key", "value"); err != nil {
		t.Fatal(err)
	}
	root := as("root", "se:cret")
	before, err := root.Status(ctx, c.clients, pace.Hang) // one who is given is not asked for yet
	if err != nil || before.Check(3) != nil {
		t.Fatalf("before: got %+v, %v", before, err)
	}
	enableUsers(t, client)

	status, err := root.Status(ctx, c.clients, pace.Hang)
	if err != nil || status.Whole(3) != nil || len(status.Peers) != 3 {
		t.Fatalf("root: got %+v, %v", status, err)
	}
	agrees(t, root, c.clients, status)
	if peers, err := root.Peers(ctx, c.clients); err != nil || len(peers) != 3 {
		t.Errorf("root: got %v, %v", peers, err)
	}
	// one whose member is asked where it says that it is
	if status, err := root.Status(ctx, c.clients[:1], pace.Hang); err != nil || status.Whole(3) != nil || len(status.Members) != 3 {
		t.Errorf("by one of three: got %+v, %v", status, err)
	}

	file := filepath.Join(t.TempDir(), "core.db")
	joining := free()
	calls := []struct {
		name string // etcd's
		do   func(h etcd.Helper) error
	}{
		{"Snapshot", func(h etcd.Helper) error { _, err := h.Backup(ctx, c.clients[0], file); return err }},
		{"MemberAdd", func(h etcd.Helper) error { return h.Add(ctx, c.clients, joining) }},
		{"MemberRemove", func(h etcd.Helper) error {
			peers, err := as("root", "se:cret").Peers(ctx, c.clients)
			if err != nil {
				return err
			}
			last := slices.IndexFunc(peers, func(p etcd.Peer) bool { return slices.Contains(p.URLs, joining) || p.Name == "core03" })
			return h.Remove(ctx, c.clients[:2], peers[last].ID)
		}},
	}
	for _, call := range calls {
		for _, who := range []struct{ user, password, want string }{
			{"", "", wire.WantsUser},
			{"root", "guessed", `etcd refused Authenticate to the user "root": there is none of that name and password`},
			{"nobody", "known", `etcd refused Authenticate to the user "nobody": there is none of that name and password`},
			{"app", "known", "etcd refused " + call.name + ` to the user "app", who does not have the role root`},
		} {
			err := call.do(as(who.user, who.password))
			if err == nil || !strings.Contains(err.Error(), who.want) || !strings.HasSuffix(err.Error(), "\nhint: "+wire.UserAdvice) {
				t.Errorf("%s as %s: got %v", call.name, who.user, err)
			}
		}
	}
	for _, call := range calls {
		if err := call.do(root); err != nil {
			t.Errorf("%s as root: %v", call.name, err)
		}
	}

	// a restore goes into a cluster that has users of its own
	empty := members(t)
	enableUsers(t, empty.client(t, "", ""))
	if _, err := as("app", "known").Restore(ctx, empty.clients, file); err == nil || !strings.Contains(err.Error(), "etcd refused Range or Txn to the user \"app\"") {
		t.Errorf("restore as app: got %v", err)
	}
	if restored, err := root.Restore(ctx, empty.clients, file); err != nil || restored.Keys != 1 || restored.Users != 2 {
		t.Errorf("restore as root: got %+v, %v", restored, err)
	}
}

// TestWhoIsNoUserIsTold, at once: etcd is not healthy for one who cannot know.
func TestWhoIsNoUserIsTold(t *testing.T) {
	t.Parallel()
	c := members(t)
	enableUsers(t, c.client(t, "", ""))
	for _, who := range []struct{ user, password, want string }{
		{"", "", wire.WantsUser + ": it does nothing for others"},
		{"root", "guessed", `etcd refused Authenticate to the user "root": there is none of that name and password`},
	} {
		h := as(who.user, who.password)
		h.Patience = pace.Answer
		status, err := h.WaitHealthy(untilItHangs(t), c.clients, 3, func(etcd.Status) {})
		if err == nil || !strings.HasPrefix(err.Error(), "etcd: 0 of 3 members are healthy\n    "+c.clients[0]+": "+who.want+"\n") || !strings.HasSuffix(err.Error(), "\nhint: "+wire.UserAdvice) {
			t.Errorf("%q: got %v", who.user, err)
		}
		if len(status.Healthy()) > 0 || status.Answers() || !status.Members[0].Refused {
			t.Errorf("%q: got %+v", who.user, status)
		}
		if seen := h.Glance(untilItHangs(t), c.clients); len(seen.Healthy()) > 0 || seen.Members[0].Error == "" {
			t.Errorf("%q at a glance: got %+v", who.user, seen)
		}
		if _, err := h.Peers(untilItHangs(t), c.clients); err == nil || !strings.Contains(err.Error(), who.want) {
			t.Errorf("%q: got %v", who.user, err)
		}
	}
	// who may not read the key has an answer, which needs a quorum
	if status, err := as("app", "known").Status(untilItHangs(t), c.clients, pace.Hang); err != nil || status.Whole(3) != nil {
		t.Errorf("app: got %+v, %v", status, err)
	}
	c.stop(1)
	c.stop(2)
	status, err := etcd.Status{}, error(nil)
	for patience := time.Second; patience < pace.Hang && err == nil && (status.Members == nil || !strings.Contains(status.Members[0].Error, wire.WantsUser)); patience *= 2 {
		status, err = as("root", "se:cret").Status(untilItHangs(t), c.clients[:1], patience)
	}
	if err != nil || status.Members[0].Healthy || status.Members[0].Refused || !strings.Contains(status.Members[0].Error, "it may have no quorum") {
		t.Errorf("without a quorum: got %+v, %v", status, err)
	}
}

// TestALoginThatFails is the error of whatever asks members, and of nothing else.
func TestALoginThatFails(t *testing.T) {
	t.Parallel()
	wrong := func() (string, string, error) { return "", "", context.DeadlineExceeded }
	h := programs.helper.As(wrong)
	if err := h.CheckLogin(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := h.ToMembers(etcd.Credentials{}).Status(t.Context(), []string{free()}, time.Second); err == nil {
		t.Error("no error")
	}
	if _, err := h.With(etcd.Credentials{}).Status(t.Context(), []string{free()}, time.Second); err != nil {
		t.Error(err)
	}
}
