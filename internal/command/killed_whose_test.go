//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/workspace"
)

// killer ends a run at one of the calls by which it changes something: that call and all later ones do nothing and never come back,
// as if the process had been killed. Unlike one that was, it leaves libvirt's in-process driver, and the domains in it.
type killer struct {
	mu   sync.Mutex
	left int // calls until the end
	once sync.Once
	dead chan struct{}
}

// call is called before each call that changes something.
func (k *killer) call() {
	k.mu.Lock()
	k.left--
	dies := k.left < 0
	k.mu.Unlock()
	if dies {
		k.once.Do(func() { close(k.dead) })
		select {}
	}
}

// killedEngine is a fake: libvirt as it is, until the killer ends the run.
type killedEngine struct {
	*libvirt.Conn
	*killer
}

func (e killedEngine) Define(text string) (string, error) { e.call(); return e.Conn.Define(text) }
func (e killedEngine) Remove(uuid string, owners ...string) error {
	e.call()
	return e.Conn.Remove(uuid, owners...)
}
func (e killedEngine) Start(name string) error    { e.call(); return e.Conn.Start(name) }
func (e killedEngine) Shutdown(name string) error { e.call(); return e.Conn.Shutdown(name) }
func (e killedEngine) Destroy(name string) error  { e.call(); return e.Conn.Destroy(name) }
func (e killedEngine) Disks() engine.Disks        { return killedDisks{e.Conn.Disks(), e.killer} }

type killedDisks struct {
	engine.Disks
	*killer
}

func (d killedDisks) Prepare(ctx context.Context, node engine.Files, base string, gib int, further []engine.FurtherDisk) (engine.Prepared, error) {
	d.call()
	made, err := d.Disks.Prepare(ctx, node, base, gib, further)
	return killedDisk{made, d.killer}, err
}

func (d killedDisks) Add(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	d.call()
	return d.Disks.Add(ctx, node, further)
}

func (d killedDisks) Grow(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	d.call()
	return d.Disks.Grow(ctx, node, further)
}
func (d killedDisks) Remove(node engine.Files) error { d.call(); return d.Disks.Remove(node) }
func (d killedDisks) Clear(node engine.Files) error  { d.call(); return d.Disks.Clear(node) }
func (d killedDisks) WriteDocument(node engine.Files, document []byte) error {
	d.call()
	return d.Disks.WriteDocument(node, document)
}
func (d killedDisks) BeginLog(node engine.Files) error { d.call(); return d.Disks.BeginLog(node) }

type killedDisk struct {
	engine.Prepared
	*killer
}

func (d killedDisk) Place() error { d.call(); return d.Prepared.Place() }

// killedAt takes a run through stages until it is killed at its nth call, from 0. It reports whether that came.
func killedAt(t *testing.T, n int, r *Run, stages ...func(context.Context) error) (killed bool) {
	t.Helper()
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	k := &killer{left: n, dead: make(chan struct{})}
	r.conn = killedEngine{r.daemon, k}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, stage := range stages {
			if stage(context.Background()) != nil {
				return
			}
		}
	}()
	select {
	case <-ended:
	case <-k.dead:
		killed = true
	}
	r.unlockAll()
	return killed
}

// disksAreThere fails the test if a domain runs whose disk is gone, wherever the workspace is by now.
func disksAreThere(t *testing.T, what string) {
	t.Helper()
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range domains {
		for _, disk := range d.Disks {
			if _, file, moved := strings.Cut(disk, "/vm/"); moved {
				disk = r.ws().VM(file)
			}
			if d.Metadata != nil && d.State == engine.Running && !workspace.Exists(disk) {
				t.Errorf("%s: %s runs, and its disk %s is gone", what, d.Name, disk)
			}
		}
	}
}

// cloneDisk is a file of its own that a clone in these tests has.
const cloneDisk = "clone.qcow2"

// TestNoDiskOfARunningNodeGoes kills `down` and `up recreate=all` at each call that changes something, by another path, in a
// workspace that was moved, beside a clone with a disk of its own and beside one that uses the disk of a node. The next `down` is of
// another path, too.
func TestNoDiskOfARunningNodeGoes(t *testing.T) {
	points := 0
	for _, place := range []string{"link", "above", "moved", "left"} {
		for _, clone := range []string{cloneDisk, ""} {
			for _, target := range []string{"down", "recreate"} {
				n := 0
				for killedInAWorld(t, place, clone, target, n) {
					n++
				}
				if n == 0 && clone != "" {
					t.Errorf("%s, %s: killed nowhere", place, target)
				}
				points += n
			}
		}
	}
	if t.Logf("%d kill points", points); points < 30 {
		t.Errorf("killed at %d points", points)
	}
}

// elsewhereOf is another path to the workspace: a link to it, or to the folder above, or where it is moved. A link may be left at the
// path of before, and is the path then.
func elsewhereOf(t *testing.T, here, place string) (path string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "ws")
	var err error
	switch path = other; place {
	case "link":
		err = os.Symlink(here, other)
	case "above":
		err, path = os.Symlink(filepath.Dir(here), other), filepath.Join(other, filepath.Base(here))
	case "moved":
		err = os.Rename(here, other)
	case "left":
		err, path = errors.Join(os.Rename(here, other), os.Symlink(other, here)), here
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// killedInAWorld makes nodes and a clone, kills the target at its nth call, and reports whether that came.
func killedInAWorld(t *testing.T, place, clone, target string, n int) (killed bool) {
	t.Run(strings.Join([]string{place, clone, target}, " "), func(t *testing.T) {
		here := inCloneOf(t)
		t.Setenv("COREOS_NODES", "1") // so that nothing goes on beside the call that ends the run
		mustUp(t)
		bootDomain(t, "core01")
		if clone != "" {
			clone = filepath.Join(t.TempDir(), clone)
		}
		name := cloned(t, "core01", clone)
		t.Chdir(elsewhereOf(t, here, place))
		r := run(t)
		stages := []func(context.Context) error{r.Down}
		if target == "recreate" {
			r = run(t, "recreate=all")
			stages = []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up}
		}
		killed = killedAt(t, n, r, stages...)
		disksAreThere(t, "killed")
		_, err := down(t)
		disksAreThere(t, "after down")
		if theDomain(t, name).State != engine.Running {
			t.Error("the clone was stopped")
		}
		switch {
		case clone != "" && (err != nil || folders(t) != "" || !workspace.Exists(clone)):
			t.Errorf("down: %v, left are %s", err, folders(t))
		case clone == "" && err == nil:
			t.Error("down removed a disk that the clone uses")
		case clone == "":
			keepsData(t, "core01")
		}
	})
	return killed
}
