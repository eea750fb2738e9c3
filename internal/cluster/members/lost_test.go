package members

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

// noteStarts has the bed start a helper that notes the ids of its processes.
func (b *bed) noteStarts() (pids func() []int) {
	b.t.Helper()
	built, err := b.Options.Helper.Build(b.t.Context(), b.t.Logf)
	if err != nil {
		b.t.Fatal(err)
	}
	bin := b.t.TempDir()
	notes, script := filepath.Join(bin, "starts"), filepath.Join(bin, filepath.Base(built))
	save(b.t, script, fmt.Sprintf("#!/bin/sh\necho $$ >>'%s'\nexec '%s'\n", notes, built))
	if err := os.Chmod(script, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.Options.Helper = etcd.NewHelper(moduleRoot, bin)
	b.t.Cleanup(b.Options.Helper.Close)
	return func() (pids []int) {
		text, _ := os.ReadFile(notes)
		for _, line := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(line)
			pids = append(pids, pid)
		}
		return pids
	}
}

// TestDiscoveryThatIsLostWhileNodesBoot is said at once, with what the helper wrote; when the nodes are ready it is served again,
// and their etcd forms.
func TestDiscoveryThatIsLostWhileNodesBoot(t *testing.T) {
	t.Parallel()
	b := newBed(t, 2)
	pids := b.noteStarts()
	said := make(chan string, 10)
	b.Options.Say = func(format string, args ...any) {
		if line := fmt.Sprintf(format, args...); strings.HasPrefix(line, "warning: ") {
			said <- line
		}
	}
	token, err := discovery.New(discovery.KindEmbedded, netip.MustParseAddr(b.addressOf(9)), 2)
	if err := errors.Join(err, os.MkdirAll(b.Options.Dir, 0o755), token.Write(b.Options.Dir, "core")); err != nil {
		t.Fatal(err)
	}
	b.Generation.Token = &token
	steps := []plan.Step{}
	for _, node := range b.Options.Nodes {
		save(t, node.Fresh(), "")
		steps = append(steps, plan.Step{Node: node, Action: plan.Create})
	}
	server, err := b.ServeNewcomers(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for killed, begin := 0, time.Now(); killed < 3; time.Sleep(20 * time.Millisecond) {
		if started := pids(); len(started) > killed {
			_ = syscall.Kill(started[killed], syscall.SIGKILL)
			killed++
		}
		if time.Since(begin) > pace.Hang {
			t.Fatalf("the helper was started %d times", len(pids()))
		}
	}
	select {
	case line := <-said:
		if !strings.HasPrefix(line, "warning: the discovery service has ended, after 3 starts: the etcd helper ended before it answered: signal: killed\nhint: ") {
			t.Errorf("said %q", line)
		}
	case <-time.After(pace.Hang):
		t.Fatal("nothing is said")
	}
	for _, node := range b.Options.Nodes {
		etcdserver.Start(t, node.Name, b.addressOf(node.Number), "--discovery-token="+token.ID, "--discovery-endpoints="+token.Endpoint)
		b.reports(node)
	}
	if status, err := b.form(t.Context(), b.nodes(2), server); err != nil || len(status.Healthy()) != 2 {
		t.Errorf("got %+v, %v", status, err)
	}
}
