//go:build cgo && libvirt_dlopen

package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"coreos-libvirt/internal/engine"
)

// counted is a fake: a host whose disks are in a folder, as its pool. It counts what it is asked.
type counted struct {
	On
	pooled
}

// pooled are its disks. What the embedded ones would do is not asked of them.
type pooled struct {
	engine.Disks
	dir string

	mu     sync.Mutex
	lists  int
	clears []string
	fails  error // of the next list
}

func (c *counted) Disks() engine.Disks { return &c.pooled }

func (c *pooled) Holds() (func(engine.Files) bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	entries, err := os.ReadDir(c.dir)
	has := map[string]bool{}
	for _, entry := range entries {
		has[entry.Name()] = true
	}
	err, c.fails = errors.Join(err, c.fails), nil
	return func(node engine.Files) bool { return has[node.Node()] }, err
}

func (c *pooled) Clear(node engine.Files) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clears = append(c.clears, node.Node())
	return os.RemoveAll(filepath.Join(c.dir, node.Node()))
}

func (c *pooled) Prepare(_ context.Context, node engine.Files, _ string, _ int, _ []engine.FurtherDisk) (engine.Prepared, error) {
	return nil, os.WriteFile(filepath.Join(c.dir, node.Node()), nil, 0o600)
}

// counting is a host with such disks.
func counting(t *testing.T, name string, domains ...string) (Spec, *counted) {
	t.Helper()
	real := specOf(t, name, domains...)
	c := &counted{pooled: pooled{dir: t.TempDir()}}
	return Spec{Name: name, URI: real.URI, Open: func() (_ On, err error) {
		c.On, err = real.Open()
		return c, err
	}}, c
}

func filesOf(name string) engine.Files {
	return engine.Files{Overlay: "/w/vm/" + name + "/" + name + ".qcow2"}
}

// TestOtherHostsAreAskedOnce: down clears the nodes of one host away. Another one is asked once for all of them, and has no more to do
// than to remove what a killed move has left there. If it cannot say what it has, that is an error of that node, and it is asked again.
func TestOtherHostsAreAskedOnce(t *testing.T) {
	const many = 20
	domains := []string{}
	for n := range many {
		domains = append(domains, definition(fmt.Sprintf("core%02d", n+1), n+1))
	}
	a, _ := counting(t, "a", domains...)
	b, other := counting(t, "b")
	f := opened(t, a, b)
	all, err := f.Domains()
	if err != nil || len(all) != many {
		t.Fatalf("got %v, %v", names(all), err)
	}
	if err := os.WriteFile(filepath.Join(other.dir, "core07"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("the pool cannot be read")
	other.fails = refused
	for n := range many {
		name := fmt.Sprintf("core%02d", n+1)
		if err := f.Remove(all[name].UUID, "/w"); err != nil {
			t.Fatal(err)
		}
		if err := f.Disks().Clear(filesOf(name)); (n == 0) != errors.Is(err, refused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if fmt.Sprint(other.lists, other.clears) != "2 [core07]" {
		t.Errorf("it was asked %d times what it has, and cleared away %v", other.lists, other.clears)
	}
	if left, err := os.ReadDir(other.dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// TestWhatThisRunHasBegun on another host is cleared away there, also if that was asked before what it has.
func TestWhatThisRunHasBegun(t *testing.T) {
	a, one := counting(t, "a", definition("core01", 1), definition("core02", 2))
	b, other := counting(t, "b")
	f := opened(t, a, b)
	if _, err := f.Domains(); err != nil {
		t.Fatal(err)
	}
	if err := f.Leave(filesOf("core01")); err != nil || other.lists != 1 {
		t.Fatalf("got %v, %d lists", err, other.lists)
	}
	f.Move("core02", "b")
	if _, err := f.Disks().Prepare(t.Context(), filesOf("core02"), "", 0, nil); err != nil {
		t.Fatal(err)
	}
	f.Move("core02", "a") // that failed, and it stays where it was
	if err := f.Leave(filesOf("core02")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(other.dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v, and %v was cleared on the other", left, err, one.clears)
	}
}
