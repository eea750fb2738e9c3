package etcd_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/testkit/pace"
)

// TestAChangeRightAfterAnother is refused by etcd, which wants all members to have been connected for 5 s
// (HealthInterval in its server): it is tried again until they have.
func TestAChangeRightAfterAnother(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	listen, _ := alone(t)
	if err := programs.helper.Register(ctx, []string{listen}, "token", 2); err != nil {
		t.Fatal(err)
	}
	one, _ := member(t, "core01", listen, "token")
	two, _ := member(t, "core02", listen, "token")
	endpoints := []string{one, two}
	if _, err := programs.helper.WaitHealthy(ctx, endpoints, 2, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	if err := programs.helper.Add(ctx, endpoints, free()); err != nil {
		t.Error(err)
	}
}

// joined starts an etcd that joins the cluster of peers at the peer URL that was added.
func joined(t *testing.T, name, peer string, peers etcd.Peers) (client string, cmd *exec.Cmd) {
	t.Helper()
	client = free()
	initial, err := peers.InitialCluster(name, peer)
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(programs.server, "--name="+name, "--data-dir="+t.TempDir(), "--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster="+initial, "--initial-cluster-state=existing", "--log-level=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return client, cmd
}

// TestWhatIsWaitedForOnceThereIsACluster: all that have a vote and have started, whatever the token's size was.
func TestWhatIsWaitedForOnceThereIsACluster(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, _ := alone(t)
	ask := func(endpoints ...string) etcd.Status {
		t.Helper()
		for patience := 2 * time.Second; ; patience *= 2 { // without a quorum a member uses up all that it gets
			status, err := programs.helper.Status(ctx, endpoints, patience)
			if err != nil || !status.Answers() && patience > pace.Hang {
				t.Fatalf("got %+v, %v", status, err)
			}
			if status.Answers() {
				return status
			}
		}
	}
	if err := ask(url).Whole(3); err != nil {
		t.Errorf("the cluster has one member, and is whole: got %v", err)
	}

	peer := free()
	if err := programs.helper.Add(ctx, []string{url}, peer); err != nil {
		t.Fatal(err)
	}
	status := ask(url)
	if m := status.Members[len(status.Members)-1]; len(status.Members) != 2 || !m.Learner || m.Name != "" || m.Error != "it has not started" || status.Whole(3) != nil {
		t.Errorf("a learner that has not started: got %+v", status)
	}
	second, cmd := joined(t, "second", peer, status.Peers)
	for deadline := time.Now().Add(pace.Hang); ; time.Sleep(200 * time.Millisecond) {
		status = ask(url, second)
		if m := status.Members[1]; m.Learner && m.Healthy && m.Name == "second" && len(status.Healthy()) == 1 && status.Whole(3) == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a learner has no vote, and is well: got %+v", status)
		}
	}
	learner, _ := status.Peers.Of("second", "")
	for programs.helper.Promote(ctx, []string{url}, learner.ID) != nil && ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
	}
	if status, err := programs.helper.WaitHealthy(ctx, []string{url, second}, 3, func(etcd.Status) {}); err != nil || len(status.Healthy()) != 2 {
		t.Fatalf("got %+v, %v", status, err)
	}

	// without its quorum the cluster still tells of itself, and who lacks; also where nobody asks that one
	_, _ = cmd.Process.Kill(), cmd.Wait()
	for _, endpoints := range [][]string{{url, second}, {url}} {
		status = ask(endpoints...)
		m := status.Members[1]
		if len(status.Members) != 2 || len(status.Peers) != 2 || m.ID != learner.ID || m.Name != "second" || m.Endpoint != second || m.Error == "" {
			t.Errorf("got %+v", status)
		}
		if err := status.Whole(1); err == nil || !strings.Contains(err.Error(), "etcd: 0 of 2 members are healthy") || strings.Count(err.Error(), second+": ") != 1 {
			t.Errorf("got %v", err)
		}
		if err := status.CheckMembers(status.Peers[0].ID, status.Peers[1].ID); err != nil {
			t.Errorf("both are excused, got %v", err)
		}
	}
}

// TestAFullDatabaseIsNotWell although it answers.
func TestAFullDatabaseIsNotWell(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t, "--quota-backend-bytes=65536")
	for {
		if _, err := client.Put(ctx, "key", strings.Repeat("x", 30<<10)); err != nil {
			break // the database is full
		}
	}
	status, err := programs.helper.Status(ctx, []string{url}, pace.Hang)
	if err != nil || status.Members[0].Healthy || status.Members[0].Error != "its database is full (alarm NOSPACE)" {
		t.Errorf("full: got %+v, %v", status, err)
	}
}
