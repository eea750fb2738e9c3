package bridge

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/testkit/testbed"
)

// A network that is deaf when the bridge is made: the host has its address again, and undo nothing to do.
func TestCutOffByNetworkManager(t *testing.T) { cutOff(t, "networkmanager") }
func TestCutOffByNetworkd(t *testing.T)       { cutOff(t, "networkd") }
func TestCutOffByIfupdown(t *testing.T)       { cutOff(t, "ifupdown") }

// deaf is m with a network that is taken away as soon as it is known what is to be carried.
func deaf(t *testing.T, m step.Machine) step.Machine {
	t.Helper()
	say := m.Say
	m.Say = func(format string, args ...any) {
		if say(format, args...); strings.Contains(format, "the network is away for a moment") {
			testbed.PlugOut(t, "br0")
		}
	}
	return m
}

// patient is the rollback of what shall succeed: time enough on any machine. What is taken back waits all its time.
const patient = 3 * time.Minute

func cutOff(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	m := step.Machine{Root: "/", Rollback: 6 * time.Second, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	err := kinds.Apply(t.Context(), deaf(t, m), mustPlan(t, m))
	if err == nil || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), "back") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	back(t, before)
	m.Rollback = patient
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

// The process that makes the bridge is killed in the middle.
func TestKilledByNetworkd(t *testing.T) { killed(t, "networkd") }
func TestKilledByIfupdown(t *testing.T) { killed(t, "ifupdown") }

func killed(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	const victim = "/run/to-be-killed"
	m := step.Machine{Root: "/", Rollback: 6 * time.Second, Say: t.Logf}
	if _, err := os.Stat(victim); err == nil { // this is the process to be killed
		_ = kinds.Apply(t.Context(), deaf(t, m), mustPlan(t, m))
		return
	}
	before := testbed.Address(testbed.Card)
	testbed.Write(t, victim, "")
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 5*time.Second, func() error { _, err := net.InterfaceByName("br0"); return err })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	testbed.Outside(t, "ip", "link", "set", "uplink", "up")
	begin := time.Now()
	back(t, before)
	t.Logf("back %s after the kill", time.Since(begin))
	m.Rollback = patient
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

// The process that undoes is ended by ^C when the card is down already: the network comes back nevertheless.
func TestUndoInterruptedByIfupdown(t *testing.T) { interrupted(t, "ifupdown") }
func TestUndoInterruptedByNetworkd(t *testing.T) { interrupted(t, "networkd") }

func interrupted(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	const victim = "/run/to-be-interrupted"
	m := step.Machine{Root: "/", Rollback: 8 * time.Second, Say: t.Logf}
	if _, err := os.Stat(victim); err == nil { // this is the process to be interrupted
		_ = kinds.Undo(t.Context(), m)
		return
	}
	before, slow := testbed.Address(testbed.Card), m
	slow.Rollback = patient
	testbed.Write(t, victim, "")
	for {
		if err := kinds.Apply(t.Context(), slow, mustPlan(t, m)); err != nil {
			t.Fatal(err)
		}
		if interruptedUndo(t) {
			break
		}
		back(t, before) // on a busy machine it may have come to its end meanwhile
	}
	testbed.Await(t, 10*time.Second, func() error {
		if testbed.Address("br0") != before && testbed.Address(testbed.Card) != before {
			return errors.New("the host is cut off")
		}
		return nil
	})
	time.Sleep(m.Rollback) // whatever a guard does is done
	testbed.Await(t, 5*time.Second, func() error {
		if testbed.Address("br0") != before {
			return errors.New("it was interrupted, and the bridge is not what it was")
		}
		return nil
	})
	testbed.ServerAnswers(t)
	if err := kinds.Undo(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

// interruptedUndo runs the test in a process of its own, and ends that by ^C once the bridge has no address. It tells
// whether the process was ended.
func interruptedUndo(t *testing.T) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	testbed.Await(t, 5*time.Second, func() error {
		if address := testbed.Address("br0"); address != "" {
			return errors.New("br0 has " + address)
		}
		return nil
	})
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // it may have ended
	return cmd.Wait() != nil
}

// An undo that leaves the card deaf is taken back: the bridge is there again, and so is its entry in the record.
func TestUndoThatCutsOff(t *testing.T) {
	if !testbed.Inside(t, "networkd") {
		return
	}
	m := step.Machine{Root: "/", Rollback: patient, Say: t.Logf}
	before := testbed.Address(testbed.Card)
	if err := kinds.Apply(t.Context(), m, mustPlan(t, m)); err != nil {
		t.Fatal(err)
	}
	m.Rollback = 6 * time.Second
	if err := kinds.Undo(t.Context(), deaf(t, m)); err == nil || !strings.Contains(err.Error(), "taken back") {
		t.Errorf("got %v", err)
	}
	testbed.Await(t, 20*time.Second, func() error {
		if got := testbed.Address("br0"); got != before {
			return fmt.Errorf("br0 has %q", got)
		}
		return nil
	})
	if record, err := os.ReadFile("/var/lib/coreos-libvirt/host.json"); err != nil || strings.Count(string(record), `"kind":`) != 1 {
		t.Errorf("got %s, %v", record, err)
	}
	m.Rollback = patient
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	back(t, before)
}

// The bridge gets another lease than the card had, so that whoever is logged in is cut off: it is taken back.
func TestAnotherLeaseByNetworkManager(t *testing.T) { anotherLease(t, "networkmanager") }
func TestAnotherLeaseByNetworkd(t *testing.T)       { anotherLease(t, "networkd") }
func TestAnotherLeaseByIfupdown(t *testing.T)       { anotherLease(t, "ifupdown") }

func anotherLease(t *testing.T, manager string) {
	t.Helper()
	if !testbed.Inside(t, manager) {
		return
	}
	m := step.Machine{Root: "/", Rollback: 8 * time.Second, Say: t.Logf}
	before, steps := testbed.Address(testbed.Card), mustPlan(t, m)
	testbed.Relet(t, "10.78.0.60", "10.78.0.70")
	err := kinds.Apply(t.Context(), m, steps)
	if address, _, _ := strings.Cut(before, "/"); err == nil || !strings.Contains(err.Error(), "br0 has not the address "+address) || !strings.Contains(err.Error(), "taken") {
		t.Fatalf("got %v", err)
	}
	testbed.Await(t, 20*time.Second, func() error {
		if _, err := net.InterfaceByName("br0"); err == nil {
			return errors.New("br0 is still there")
		}
		if address := testbed.Address(testbed.Card); !strings.HasPrefix(address, "10.78.0.6") { // what the server gives now
			return fmt.Errorf("the card has %q", address)
		}
		return nil
	})
	testbed.ServerAnswers(t)
}
