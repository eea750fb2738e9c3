//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"strings"
	"testing"

	"libvirt.org/go/libvirt" //nolint:depguard // what somebody else does to a domain, within the test driver of this process

	"coreos-libvirt/internal/workspace"
)

// onDomain does what somebody else does with virsh.
func onDomain(t *testing.T, name string, do func(*libvirt.Domain) error) {
	t.Helper()
	conn, err := libvirt.NewConnect("test:///default")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = conn.Close() }()
	dom, err := conn.LookupDomainByName(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dom.Free() }()
	if err := do(dom); err != nil {
		t.Fatal(err)
	}
}

// autostarts fails the test unless libvirt starts the node by itself, or does not.
func autostarts(t *testing.T, what, name string, want bool) {
	t.Helper()
	if got, err := holderOf(t).Autostart(name); err != nil || got != want {
		t.Errorf("%s: %s: autostart is %t, want %t; %v", what, name, got, want, err)
	}
}

// setAutostart is `virsh autostart`.
func setAutostart(on bool) func(*libvirt.Domain) error {
	return func(dom *libvirt.Domain) error { return dom.SetAutostart(on) }
}

// TestANodeKeepsItsAutostart, whatever its domain is made of, and only the node that has it.
func TestANodeKeepsItsAutostart(t *testing.T) {
	inClone(t)
	mustUp(t)
	onDomain(t, "core01", setAutostart(true))
	for what, change := range map[string]func(){
		"unchanged":         func() { mustUp(t) },
		"recreated":         func() { mustUp(t, "recreate=core01") },
		"all recreated":     func() { mustUp(t, "recreate=all") },
		"of another config": func() { save(t, "plain.yml", plain+"# other\n"); mustUp(t, "recreate=changed") },
		"redefined":         func() { mustUp(t, "ram=1536") },
		"undefined while it runs": func() {
			bootDomain(t, "core01")
			mustUp(t)
			undefined(t, "core01")
			mustUp(t)
		},
		"undefined, then stopped": func() {
			bootDomain(t, "core01")
			mustUp(t)
			undefined(t, "core01")
			stopAll(t)
		},
		"undefined, then recreated": func() {
			bootDomain(t, "core01")
			mustUp(t)
			undefined(t, "core01")
			mustUp(t, "recreate=core01")
		},
	} {
		change()
		autostarts(t, what, "core01", true)
		autostarts(t, what, "core02", false)
	}
	onDomain(t, "core01", setAutostart(false))
	mustUp(t, "recreate=core01")
	autostarts(t, "taken away", "core01", false)
	onDomain(t, "core02", setAutostart(true))
	mustDown(t)
	mustUp(t)
	autostarts(t, "removed for good", "core02", false)
}

// TestAutostartOutlivesAKill of `up recreate=all` at each call that changes something.
func TestAutostartOutlivesAKill(t *testing.T) {
	for n, killed := 0, true; killed; n++ {
		t.Run("", func(t *testing.T) {
			inClone(t)
			t.Setenv("COREOS_NODES", "1")
			mustUp(t)
			onDomain(t, "core01", setAutostart(true))
			r := run(t, "recreate=all")
			stages := []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up}
			killed = killedAt(t, n, r, stages...)
			mustUp(t)
			autostarts(t, "killed", "core01", true)
			if killed && n == 0 && !workspace.Exists("vm/core01/autostart") {
				t.Error("it is not noted")
			}
		})
	}
}

// TestAutostartThatCannotBeNoted is an error before the node goes.
func TestAutostartThatCannotBeNoted(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	bootDomain(t, "core01")
	onDomain(t, "core01", setAutostart(true))
	save(t, "vm/core01/autostart/x", "a folder where a file should be")
	said, err := up(t, "recreate=core01")
	if err == nil || !strings.Contains(err.Error(), "vm/core01/autostart") {
		t.Errorf("got %v\n%s", err, said)
	}
	autostarts(t, "refused", "core01", true)
	keepsData(t, "core01")
}
