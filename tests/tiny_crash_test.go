//go:build lab

package tests

import (
	"syscall"
	"testing"
	"time"
)

// killed starts a run and ends it with -9 after a time.
func (c tiny) killed(t *testing.T, after time.Duration, words ...string) {
	t.Helper()
	cmd := c.target(words...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	_ = cmd.Wait()
}

// tinyKilled kills `up`, new, over changed definitions and with nodes recreated, and `down`, at points spread over
// their run. What follows is always an `up` that completes and finds nothing more to do, and a `down` that leaves nothing.
func tinyKilled(t *testing.T, c tiny) {
	for _, run := range []struct {
		name     string
		prepared bool // whether the nodes are there before
		words    []string
	}{
		{"up", false, []string{"up", "nodes=2"}},
		{"up that defines anew", true, []string{"up", "nodes=2", "vcpu=2"}},
		{"up that makes anew", true, []string{"up", "nodes=2", "recreate=all"}},
		{"down", true, []string{"down", "all=true", "yes=true"}},
	} {
		t.Run(run.name, func(t *testing.T) {
			prepare := func() {
				if run.prepared {
					c.must(t, "up", "nodes=2")
				}
			}
			prepare()
			begin := time.Now()
			c.must(t, run.words...)
			took := time.Since(begin)
			c.must(t, "down", "all=true", "yes=true")
			points := max(*crashes/4, 1)
			for i := range points {
				prepare()
				after := took * time.Duration(i+1) / time.Duration(points+1)
				c.killed(t, after, run.words...)
				c.heals(t, after)
			}
			t.Logf("takes %s: killed at %d points", took.Round(time.Millisecond), points)
		})
	}
}

func (c tiny) heals(t *testing.T, after time.Duration) {
	t.Helper()
	if out := c.must(t, "up", "nodes=2"); len(tinyReady.FindAllString(out, -1)) != 2 {
		t.Errorf("killed after %s, then up: got\n%s", after, out)
	}
	c.must(t, "plan", "nodes=2") // exit status 2 where it would do something
	c.must(t, "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
	if t.Failed() {
		t.Fatalf("killed after %s", after)
	}
}
