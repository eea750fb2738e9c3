//go:build lab

package tests

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// noClock is what is said of a tiny guest, which has no ssh.
var noClock = regexp.MustCompile(`(?m)^(Error: )?core\d\d: its clock is not set: .*\nhint: log in and type: sudo date -s @\d+\n`)

// still runs a target that has guests stand still. That their clocks cannot be set is its only error.
func (c tiny) still(t *testing.T, words ...string) string {
	t.Helper()
	text, err := c.target(words...).CombinedOutput()
	out := string(text)
	if exit, failed := err.(*exec.ExitError); !failed || exit.ExitCode() != 1 || len(noClock.FindAllString(out, -1)) != 2 || strings.Contains(noClock.ReplaceAllString(out, ""), "Error") {
		t.Errorf("%v: got %v\n%s", words, err, out)
	}
	return out
}

// goesOn looks whether both guests run as they were booted first, and there is nothing to do.
func (c tiny) goesOn(t *testing.T, when string) {
	t.Helper()
	out := c.must(t, "up", "nodes=2")
	if strings.Contains(out, "booting") || len(tinyReady.FindAllString(out, -1)) != 2 {
		t.Errorf("%s, up: got\n%s", when, out)
	}
	c.must(t, "plan", "nodes=2") // exit status 2 where it would do something
	for _, log := range []string{"vm/core01/console.log", "vm/core02/console.log"} {
		if text := c.read(t, log); strings.Count(text, "tiny guest ") != 1 {
			t.Errorf("%s: %s says\n%s", when, log, text)
		}
	}
}

// tinySnapshots has guests go back to a moment with their memory, after they were ended too, and both ways killed.
func tinySnapshots(t *testing.T, c tiny) {
	c.must(t, "up", "nodes=2")
	begin := time.Now()
	if out := c.still(t, "snapshot", "name=clean"); !strings.Contains(out, "snapshot: clean is of core01, core02 with memory, paused for ") {
		t.Errorf("got\n%s", out)
	}
	taken := time.Since(begin)
	c.goesOn(t, "a snapshot")
	c.must(t, "stop", "grace=1s")
	begin = time.Now()
	if out := c.still(t, "rollback", "name=clean"); !strings.Contains(out, "rollback: core01, core02 are as they were on ") {
		t.Errorf("got\n%s", out)
	}
	back := time.Since(begin)
	t.Logf("a snapshot takes %s, a rollback %s", taken, back)
	c.goesOn(t, "a rollback")
	for i := range 3 {
		c.killed(t, taken*time.Duration(i+1)/8, "snapshot", "name=half")
		c.must(t, "up", "nodes=2") // paused ones go on
		if out := c.must(t, "snapshots"); strings.Contains(out, "half ") {
			c.must(t, "snapshots", "name=half", "remove=true")
		}
		c.killed(t, back*time.Duration(i+1)/8, "rollback", "name=clean")
		if out, err := c.target("up", "nodes=2").CombinedOutput(); err != nil && !strings.Contains(string(out), "a rollback of the cluster core to clean has not ended") {
			t.Errorf("a killed rollback, then up: got %v\n%s", err, out)
		}
		c.still(t, "rollback", "name=clean")
		c.goesOn(t, "a rollback after a killed one")
	}
	c.must(t, "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}
