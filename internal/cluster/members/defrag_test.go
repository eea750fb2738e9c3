package members

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/etcd"
)

// client is one of the first node's member.
func (b *bed) client() *clientv3.Client {
	b.t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{b.clientURL(1)}, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

// fill writes so many bytes again and again, to the keys that it is given by number, until etcd has no more room.
func (b *bed) fill(client *clientv3.Client, bytes int, key func(i int) string) {
	b.t.Helper()
	for i := range 1000 {
		if _, err := client.Put(b.t.Context(), key(i), strings.Repeat("x", bytes)); errors.Is(err, rpctypes.ErrNoSpace) {
			return
		}
	}
	b.t.Fatal("etcd takes all that is written")
}

// leader is the name of the member that leads.
func (b *bed) leader(nodes []boot.Node) string {
	b.t.Helper()
	status, err := b.StatusOf(b.t.Context(), nodes)
	at := slices.IndexFunc(status.Members, etcd.Member.IsLeader)
	if err != nil || at < 0 {
		b.t.Fatalf("nobody leads: got %+v, %v", status, err)
	}
	return status.Members[at].Name
}

// TestDatabasesAreDefragmented one after the other, the leader's last, and the alarm that one is full ends when there is room.
func TestDatabasesAreDefragmented(t *testing.T) {
	t.Parallel()
	b := live(t, 3, "--quota-backend-bytes=2097152")
	client, nodes := b.client(), b.nodes(3)
	b.fill(client, 100<<10, func(int) string { return "the same" })
	const full = "its database is full (alarm NOSPACE)"
	begin := time.Now()
	_, err := b.form(t.Context(), nodes, nil)
	if err == nil || !strings.Contains(err.Error(), full) || !strings.HasSuffix(err.Error(), "\nhint: `mage etcd defrag=true` compacts and defragments the databases, and disarms the alarm if that made room") {
		t.Errorf("while it is full: got %v", err)
	}
	if took := time.Since(begin); took > b.Timeout/2 {
		t.Errorf("an alarm is waited for: %s", took)
	}
	if _, _, err := Look(t.Context(), b.View); err == nil || !strings.Contains(err.Error(), "etcd has raised an alarm\n") || !strings.Contains(err.Error(), full) {
		t.Errorf("a look: got %v", err)
	}
	leader := b.leader(nodes)
	if err := Defragment(t.Context(), b.View, nodes); err != nil {
		t.Fatalf("got %v\n%s", err, b.said)
	}
	lines := strings.Split(strings.TrimSpace(b.said.String()), "\n")
	status, err := b.StatusOf(t.Context(), nodes)
	if err != nil || status.Whole(3) != nil {
		t.Fatalf("got %+v, %v", status, err)
	}
	for _, m := range status.Members {
		if m.DBSize > 1<<20 || m.Quota != 2<<20 {
			t.Errorf("got %+v", m)
		}
	}
	defragmented := regexp.MustCompile(`^core0[123]: defragmented, its database has \d+(\.\d+)? [KM]i?B, it had \d+(\.\d+)? Mi?B$`)
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "etcd: compacted, what keys were before revision ") || !defragmented.MatchString(lines[1]) || !defragmented.MatchString(lines[2]) ||
		!strings.HasPrefix(lines[3], leader+": defragmented") || lines[4] != "etcd: the alarm is disarmed, etcd takes writes again" {
		t.Errorf("%s leads, said is\n%s", leader, strings.Join(lines, "\n"))
	}
	if _, err := client.Put(t.Context(), "the same", "x"); err != nil {
		t.Errorf("after it: %v", err)
	}

	// what is full of keys stays full, and says so. How full a database is of keys when etcd has no more room depends on when it
	// writes: it is filled until no room is gained.
	err = nil
	for round := 0; round < 10 && err == nil; round++ {
		b.fill(client, 4<<10, func(i int) string { return fmt.Sprint("key", round, ".", i) })
		b.said.Reset()
		err = Defragment(t.Context(), b.View, nodes)
	}
	if err == nil || !strings.Contains(err.Error(), "its database is still full, ") || !strings.Contains(err.Error(), "\nhint: delete keys that nobody needs, or raise etcd's --quota-backend-bytes") {
		t.Errorf("full of keys: got %v\n%s", err, b.said)
	}
	if status, err := b.StatusOf(t.Context(), nodes); err != nil || status.Whole(3) == nil || !status.IsReadOnly() || len(status.Sound()) != 3 {
		t.Errorf("full of keys: got %+v, %v", status, err)
	}

	// with one that is not well, none is defragmented
	b.stop(2)
	b.said.Reset()
	if err := Defragment(t.Context(), b.View, nodes); err == nil || !strings.Contains(err.Error(), "while a member is not well none is defragmented: etcd: 2 of 3 members are healthy\n    "+b.clientURL(2)+": ") || b.said.Len() > 0 {
		t.Errorf("one is dead: got %v\n%s", err, b.said)
	}
}
