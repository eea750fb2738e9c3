package members

import (
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd/wire"
)

// enableUsers turns etcd's users on: root may do everything, app nothing.
func (b *bed) enableUsers() {
	b.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{b.clientURL(1)}, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	ctx := b.t.Context()
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.UserAdd(ctx, "app", "known"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		if err := do(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// logsIn has the bed log in as the user.
func (b *bed) logsIn(user, password string) {
	b.Options.Helper = b.Options.Helper.As(func() (string, string, error) { return user, password, nil })
}

// TestMembersOfAnEtcdWithUsers are replaced, come and go for a user who may do that. Who may not is told before a node goes.
func TestMembersOfAnEtcdWithUsers(t *testing.T) {
	t.Parallel()
	b := live(t, 3)
	b.enableUsers()
	nodes := b.nodes(4)
	nodes[1].Step.Action = plan.Recreate
	save(t, nodes[3].Step.Node.Fresh(), "")
	surplus := []plan.Step{{Node: b.Reach.Node("core", 3), Action: plan.Remove}}
	nodes = append(nodes[:2:2], nodes[3])
	for _, who := range []struct{ user, password, want string }{
		{"", "", wire.WantsUser + ": it does nothing for others"},
		{"root", "guessed", `etcd refused Authenticate to the user "root"`},
		{"app", "known", ` to the user "app", who does not have the role root`},
	} {
		b.logsIn(who.user, who.password)
		_, err := b.Reconcile(t.Context(), nodes, surplus, nil)
		if err == nil || !strings.Contains(err.Error(), who.want) || !strings.Contains(err.Error(), "\nhint: "+wire.UserAdvice) {
			t.Errorf("%q: got %v", who.user, err)
		}
		if said := b.said.String(); strings.Contains(said, "has left") || len(b.left) > 0 || b.members["core02"].ProcessState != nil {
			t.Errorf("%q: left are %v, said %s", who.user, b.left, said)
		}
		if _, err := b.Survey(t.Context(), false); who.user != "app" && (err == nil || !strings.Contains(err.Error(), who.want)) {
			t.Errorf("%q: before anything is done: got %v", who.user, err)
		}
	}
	b.logsIn("root", "secret")
	done, err := b.Reconcile(t.Context(), nodes, surplus, nil)
	if err != nil || len(done.Status.Healthy()) != 3 && len(done.Status.Healthy()) != 4 {
		t.Fatalf("got %+v, %v\n%s", done, err, b.said)
	}
	if got := b.known(1, 2, 4); got != "core01 core02 core04" || strings.Join(b.left, " ") != "core03" {
		t.Errorf("members are %s, removed are %v", got, b.left)
	}
}
