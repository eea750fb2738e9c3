//go:build lab

package tests

import (
	"io"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// daemonRestarted takes libvirt's daemon away from an `up` and from a console, and brings it back.
func daemonRestarted(t *testing.T, c clone) {
	up := c.command("lab", "up", "nodes=1")
	said := waitFor(t, up, "core01: booting")
	c.restartLibvirt(t)
	if err := up.Wait(); err != nil || len(readyNode.FindAllString(said(), -1)) != 1 {
		t.Errorf("up: got %v\n%s", err, said())
	}

	console := c.command("lab", "console", "node=core01")
	keys, err := console.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said = waitForAfter(t, console, func() { _, _ = io.WriteString(keys, "\n") }, "core01 login: ")
	before := len(said())
	c.restartLibvirt(t)
	for deadline := time.Now().Add(pace.Limit(30)); len(said()) == before; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatal("the console says nothing any more")
		}
		_, _ = io.WriteString(keys, "\n")
	}
	_, _ = io.WriteString(keys, "\x1d") // Ctrl-]
	if err := console.Wait(); err != nil {
		t.Errorf("console: got %v\n%s", err, said())
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// restartLibvirt kills the lab's daemon. The next target in the lab brings it back.
func (c clone) restartLibvirt(t *testing.T) {
	t.Helper()
	c.kill(t, "libvirtd")
	time.Sleep(2 * time.Second)
	c.mage(t, "lab", "settings")
}
