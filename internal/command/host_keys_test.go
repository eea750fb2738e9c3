//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/workspace"
)

// knows are the nodes whose host keys the cluster's known_hosts has.
func knows(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("vm/ssh.core/known_hosts")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for line := range strings.Lines(string(text)) {
		if name, _, _ := strings.Cut(line, " "); strings.TrimSpace(name) != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// The host keys of a node go with it, however it goes: ssh would refuse the ones that the next node of its name has.
func TestHostKeysGoWithTheirNode(t *testing.T) {
	for what, c := range map[string]struct {
		goes func(*testing.T)
		left string
	}{
		"nodes=1":       {func(t *testing.T) { mustUp(t, "nodes=1") }, "core01 other"},
		"recreate one":  {func(t *testing.T) { mustUp(t, "recreate=core02") }, "core01 other"},
		"recreate all":  {func(t *testing.T) { mustUp(t, "recreate=all") }, "other"},
		"its disk went": {func(t *testing.T) { lost(t, "core02"); _ = os.RemoveAll("vm/core02"); mustUp(t) }, "core01 other"},
		"nothing":       {func(t *testing.T) { mustUp(t) }, "core01 core02 other"},
		"its domain went, its data are kept": {func(t *testing.T) {
			bootDomain(t, "core02")
			lost(t, "core02")
			mustUp(t)
		}, "core01 core02 other"},
	} {
		t.Run(what, func(t *testing.T) {
			inClone(t)
			mustUp(t)
			save(t, "vm/ssh.core/known_hosts", "core01 ssh-ed25519 AAAA\ncore02 ssh-ed25519 AAAA\nother ssh-ed25519 AAAA\n")
			if c.goes(t); knows(t) != c.left {
				t.Errorf("it has the keys of %s, want %s", knows(t), c.left)
			}
		})
	}
}

// A cluster whose nodes have reported no host key gets no file for them.
func TestNoHostKeysAreNoFile(t *testing.T) {
	inClone(t)
	mustUp(t)
	mustUp(t, "recreate=core02")
	if workspace.Exists("vm/ssh.core/known_hosts") {
		t.Error("there is one")
	}
}
