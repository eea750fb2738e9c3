package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// lives are errors of an etcd that is not to be recovered.
func (b *bed) lives(want string, nodes ...int) {
	b.T.Helper()
	_, err := find(b.Within(), b.View, b.Nodes(nodes...), "", 2*time.Second)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "; nothing was changed\nhint: `mage etcd prefix=core` shows") {
		b.T.Errorf("want %s, got %v", want, err)
	}
}

// TestOneOfThreeIsLeft, of an etcd that has users: nobody can log in without a majority.
func TestOneOfThreeIsLeft(t *testing.T) {
	b := newBed(t, 3)
	ctx := b.Within()
	client := b.Client("", "", 1, 2, 3)
	written, err := client.Put(ctx, "key", "value")
	for _, do := range []func() error{
		func() error { return err },
		func() error { _, err := client.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	b.Options.Helper = b.Options.Helper.As(func() (string, string, error) { return "root", "secret", nil })
	b.lives("3 of its 3 members answer, which is a majority", 1, 2, 3)
	b.lives("the member of core01 sees a leader", 1) // this host does not reach the others, but they live
	b.lose(3)
	b.lives("2 of its 3 members answer, which is a majority", 1, 2, 3)
	b.lose(2)
	delete(b.Domains, "core02")
	b.Domains["core03"] = engine.Domain{Name: "core03", UUID: b.Options.Nodes[2].UUID, State: engine.ShutOff, Metadata: b.Domains["core03"].Metadata}
	if err := os.RemoveAll(b.Options.Nodes[1].Dir); err != nil {
		t.Fatal(err)
	}
	loss, err := Find(ctx, b.View, b.Nodes(1), "")
	if err != nil {
		t.Fatal(err)
	}
	revision := written.Header.Revision
	want := fmt.Sprintf(`etcd has lost its majority: 1 of its 3 members answer
    core01 answers, has all up to revision %d
    core03 cannot be asked: the node is shut off
    core02 is gone: the node has no domain
core01 becomes a cluster of its own. What etcd has acknowledged and core01 has not received is lost.`, revision)
	if got := loss.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s", got)
	}
	if err := Recover(ctx, b.View, loss); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("core01: its etcd starts as a cluster of its own\ncore01: etcd is healthy, with 1 member; it has all up to revision %d\n", revision); b.Said.String() != want {
		t.Errorf("said %s", b.Said)
	}
	if _, err := os.Stat(b.In(1, "environment")); err == nil || strings.Count(b.Read(1, "calls"), "restart") != 1 {
		t.Errorf("systemctl was called\n%s", b.Read(1, "calls"))
	}
	if _, err := os.Stat(b.Options.Nodes[1].Dir); err == nil || workspace.Exists(b.Options.Nodes[0].Fresh()) || !workspace.Exists(b.Options.Nodes[2].Fresh()) {
		t.Error("that may be recreated of which something is left, and the one that is kept may not")
	}
	own := b.Client("root", "secret", 1)
	got, err := own.Get(ctx, "key")
	listed, failed := own.MemberList(ctx)
	if err != nil || string(got.Kvs[0].Value) != "value" || failed != nil || len(listed.Members) != 1 || listed.Members[0].Name != "core01" {
		t.Errorf("got %v, %v, %v, %v", got, err, listed, failed)
	}
	b.lives("1 of its 1 members answer, which is a majority", 1)
}

// oneIsBehind are five members of which core02 has most and core01 less; the others are lost. A member that was stopped may have got all
// the same, by what its kernel took for it: then it is tried again.
func oneIsBehind(t *testing.T) (*bed, Loss) {
	t.Helper()
	for range 4 {
		b := newBed(t, 5)
		ctx := b.Within()
		b.Signal(1, syscall.SIGSTOP)
		client := b.Client("", "", 2, 3, 4, 5)
		for i := range 100 {
			err := errors.New("not written yet")
			for ; err != nil && ctx.Err() == nil; _, err = client.Put(ctx, fmt.Sprint("key", i), strings.Repeat("x", 200<<10)) {
				continue // the one that was stopped may have been the leader
			}
		}
		b.lose(3, 4, 5)
		if _, err := Find(ctx, b.View, b.Nodes(2), ""); err != nil { // it has no leader any more, which would send the first what it misses
			t.Fatal(err)
		}
		b.Signal(1, syscall.SIGCONT)
		loss, err := Find(ctx, b.View, b.Nodes(1, 2, 3, 4, 5), "")
		if err != nil || len(loss.Others) != 1 || len(loss.Silent) != 3 {
			t.Fatalf("got %v\n%s", err, loss)
		}
		if loss.Others[0].State.Revision == loss.Kept.State.Revision {
			b.lose(1, 2)
			continue
		}
		if loss.Kept.name() != "core02" || loss.Others[0].name() != "core01" {
			t.Fatalf("got %s", loss)
		}
		return b, loss
	}
	t.Fatal("the one that was stopped has got all, each time")
	return nil, Loss{}
}

// TestTheOneThatHasMostIsKept of two of five that are left. The other one's etcd then hears that it is none of the cluster.
func TestTheOneThatHasMostIsKept(t *testing.T) {
	b, loss := oneIsBehind(t)
	ctx := b.Within()
	less, most := loss.Others[0].State.Revision, loss.Kept.State.Revision
	if want := fmt.Sprintf("\n    core02 answers, has all up to revision %d\n    core01 answers, has all up to revision %d\n    core03 does not answer: ", most, less); !strings.Contains(loss.String(), want) || less >= most {
		t.Errorf("got %s", loss)
	}
	if err := Recover(ctx, b.View, loss); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Client("", "", 2).Get(ctx, "key99"); err != nil || all.Count != 1 {
		t.Errorf("got %v, %v", all, err)
	}
	for _, n := range []int{1, 3, 4, 5} {
		if !workspace.Exists(b.Reach.Node("core", n).Fresh()) {
			t.Errorf("core%02d is not marked as one that may be recreated", n)
		}
	}
	for ctx.Err() == nil && !ends(b.Read(1, "pid")) {
		time.Sleep(100 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the etcd that is none of the cluster goes on")
	}
}

// TestOneThatWaitsForAMajority since it was started answers no client: it is kept if it is alone, or if the user says so.
func TestOneThatWaitsForAMajority(t *testing.T) {
	b := newBed(t, 5)
	ctx := b.Within()
	for _, key := range []string{"key", "later"} { // a member that ends may not have written down yet that its last entry is of a majority
		if _, err := b.Client("", "", 1).Put(ctx, key, "value"); err != nil {
			t.Fatal(err)
		}
	}
	b.lose(3, 4, 5)
	if out, err := exec.Command(b.In(1, "bin/systemctl"), "restart", "etcd").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	nodes := b.Nodes(1, 2, 3)
	loss, err := Find(ctx, b.View, nodes, "")
	for ; ctx.Err() == nil && len(loss.Others) == 0; loss, err = Find(ctx, b.View, nodes, "") {
		time.Sleep(100 * time.Millisecond) // it is still about to start
	}
	for _, want := range []string{
		"which member has most is for you to say\n    core02 answers, has all up to revision ",
		"\n    core01 answers, has had no majority since it was started, and does not say what it has\nhint: ",
		" node=core02` takes this one",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := Find(ctx, b.View, nodes, "core03"); err == nil || !strings.Contains(err.Error(), "node=core03: its member of etcd does not answer\n    core03 does not answer: ") {
		t.Errorf("got %v", err)
	}
	if loss, err = Find(ctx, b.View, nodes, "core01"); err != nil || loss.Kept.name() != "core01" {
		t.Fatalf("got %v, %s", err, loss)
	}
	b.lose(2)
	if loss, err = Find(ctx, b.View, nodes, ""); err != nil || !loss.Kept.State.Waits || loss.Kept.name() != "core01" {
		t.Fatalf("got %v, %s", err, loss)
	}
	if err := Recover(ctx, b.View, loss); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Client("", "", 1).Get(ctx, "key"); err != nil || got.Count != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

// ends reports whether the process of that id has ended.
func ends(pid string) bool {
	status, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(pid), "status"))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}

// TestWhatGoesWrong ends with an error that says what, and marks no node as one that may be recreated.
func TestWhatGoesWrong(t *testing.T) {
	b := newBed(t, 3)
	ctx := b.Within()
	b.lose(2, 3)
	loss, err := Find(ctx, b.View, b.Nodes(1, 2, 3), "")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := etcdunit.Find(ctx, b.SSH, b.Nodes(1)[0]); err != nil {
		t.Fatal(err)
	}
	oneLogin := time.Since(begin)
	ended, end := context.WithCancelCause(ctx)
	end(errors.New("interrupted"))
	restarted, wait := context.WithCancelCause(ctx)
	t.Cleanup(func() { wait(nil) })
	go func() { // who waits gets some time after etcd was restarted for the third time: it does not come back
		for ctx.Err() == nil && strings.Count(b.Read(1, "calls"), "unset-environment") < 3 {
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2*time.Second + 2*oneLogin)
		wait(errors.New("waited long enough"))
	}()
	for _, c := range []struct {
		file    string // on the node
		timeout time.Duration
		ctx     context.Context
		want    string
	}{
		{"", time.Hour, ended, "interrupted"},
		{"dead", time.Hour, ctx, "core01: which unit runs its etcd is not known, it has: none whose name begins with etcd\nhint: the unit is found if "},
		{"broken", time.Hour, ctx, "core01: its etcd cannot be restarted: etcd.service: fails (exit status 1)\nhint: `mage journal prefix=core node=core01` shows what the node's services say"},
		{"deaf", time.Hour, ctx, "core01: its etcd was started with ETCD_FORCE_NEW_CLUSTER=true in the environment, and is one of 3 members all the same\nhint: "},
		{"crashes", time.Hour, restarted, "core01: its etcd is not healthy as a cluster of its own: "},
	} {
		if c.file != "" {
			b.Save(b.In(1, c.file), "", 0o600)
		}
		b.Timeout = c.timeout
		err := recoverWithin(c.ctx, b.View, loss, 2*time.Second)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.file, err)
		}
		if workspace.Exists(b.Reach.Node("core", 2).Fresh()) {
			t.Errorf("%s: core02 is marked as one that may be recreated", c.file)
		}
		_ = os.Remove(b.In(1, c.file))
	}
	if err := Recover(ctx, b.View, loss); err == nil || !strings.Contains(err.Error(), "core01: its member does not answer any more: ") {
		t.Errorf("got %v", err)
	}
	if _, err := Find(ctx, b.View, b.Nodes(1, 2, 3), ""); err == nil || !strings.Contains(err.Error(), "no member of the cluster core's etcd answers: there is nothing to make a cluster of\n    core01 does not answer: ") {
		t.Errorf("got %v", err)
	}
	b.Generation.Token = nil
	if _, err := Find(ctx, b.View, b.Nodes(1), ""); err == nil || !strings.HasPrefix(err.Error(), "the cluster core has no etcd\nhint: ") {
		t.Errorf("got %v", err)
	}
}
