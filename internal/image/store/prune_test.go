package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/distributor"
)

// pruning is a store with two images and a workspace with a node on the first.
type pruning struct {
	Fetcher
	d                                *distributor.Server
	used, unused, workspace, overlay string
}

// newPruning has the workspace in the folder that is named so.
func newPruning(t *testing.T, folder string) pruning {
	t.Helper()
	p := pruning{d: distributor.New(t), workspace: filepath.Join(t.TempDir(), folder)}
	p.Fetcher, _ = fetcher(t, p.d)
	var err error
	p.used, err = get(t, p.d, p.Fetcher, "fcos-stable")
	distributor.Must(t, err)
	p.unused, err = get(t, p.d, p.Fetcher, "flatcar-stable")
	distributor.Must(t, err)
	distributor.Must(t, p.Register(p.workspace, p.used))
	distributor.Must(t, os.MkdirAll(filepath.Join(p.workspace, "vm", "core01"), 0o755))
	p.overlay = filepath.Join(p.workspace, "vm", "core01", "core01.qcow2")
	overlay(t, p.overlay, p.used)
	return p
}

func overlay(t *testing.T, path, base string) {
	t.Helper()
	distributor.Packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, path)
}

func none() ([]Domain, error) { return nil, nil }

func (p pruning) users(t *testing.T, domains ...Domain) map[string][]string {
	t.Helper()
	entries, err := p.List()
	distributor.Must(t, err)
	users, err := p.Users(t.Context(), entries, domains)
	distributor.Must(t, err)
	return users
}

// keeps prunes, and makes sure that only the unused image went.
func (p pruning) keeps(t *testing.T, domains ...Domain) {
	t.Helper()
	removed, err := p.Prune(t.Context(), func() ([]Domain, error) { return domains, nil })
	distributor.Must(t, err)
	if len(removed) != 1 || removed[0].Path != p.unused || removed[0].Version != distributor.FlatcarVersion {
		t.Errorf("removed %+v", removed)
	}
	arrived(t, p.d, p.Fetcher, p.used)
}

// refuses prunes, and makes sure that it is an error that says so and nothing went.
func (p pruning) refuses(t *testing.T, ctx context.Context, want string, domains ...Domain) {
	t.Helper()
	removed, err := p.Prune(ctx, func() ([]Domain, error) { return domains, nil })
	if err == nil || !strings.Contains(err.Error(), want) || len(removed) > 0 {
		t.Errorf("want an error with %q, got %v; removed %v", want, err, removed)
	}
	for _, path := range []string{p.used, p.unused} {
		_, err := os.Stat(path)
		distributor.Must(t, err)
	}
}

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	p := newPruning(t, "clone")
	for _, left := range []string{p.used + ".part", p.unused + ".new.head", filepath.Join(p.Dir, "fcos-1-x86_64.qcow2.json")} {
		distributor.Must(t, os.WriteFile(left, []byte("{}"), 0o600))
	}
	if users := p.users(t); strings.Join(users[p.used], " ") != p.overlay || len(users[p.unused]) > 0 {
		t.Errorf("users are %v", users)
	}
	for _, image := range []string{p.used, p.unused} {
		distributor.Must(t, os.MkdirAll(filepath.Dir(p.Inventory(image)), 0o755))
		distributor.Must(t, os.WriteFile(p.Inventory(image), []byte("{}"), 0o600))
	}
	release, err := p.Use(t.Context(), patient)
	distributor.Must(t, err)
	p.refuses(t, t.Context(), "is about to use")
	release()
	p.keeps(t)
	if left, err := filepath.Glob(filepath.Join(p.Dir, "inventories", "*")); err != nil || !slices.Equal(left, []string{p.Inventory(p.used)}) {
		t.Errorf("of inventories there are %v, %v", left, err)
	}
}

func TestPruneLooksWhileNobodyBeginsToUse(t *testing.T) {
	p := newPruning(t, "clone")
	_, err := p.Prune(t.Context(), func() ([]Domain, error) {
		lock, err := p.lock()
		distributor.Must(t, err)
		if free, err := lock.TryRLock(); err != nil || free {
			t.Errorf("another run could begin to use an image: %v", err)
		}
		return nil, nil
	})
	distributor.Must(t, err)
}

func TestPruneKeepsTheDisksOfDomains(t *testing.T) {
	p := newPruning(t, "clone")
	distributor.Must(t, os.RemoveAll(p.workspace))
	p.keeps(t, Domain{Disks: []string{p.used, "/nowhere"}})
}

func TestPruneKeepsWhatNodesWereMadeOn(t *testing.T) {
	p := newPruning(t, "clone")
	distributor.Must(t, os.RemoveAll(p.workspace))
	p.keeps(t, Domain{Bases: []string{"", p.used}, Disks: []string{p.overlay}})
}

func TestPruneLooksAtWhatOverlaysOfOverlaysStandOn(t *testing.T) {
	p := newPruning(t, "clone")
	snapshot := filepath.Join(t.TempDir(), "core01.snapshot")
	middle := filepath.Join(t.TempDir(), "moved.qcow2")
	distributor.Must(t, os.Rename(p.overlay, middle))
	overlay(t, snapshot, middle)
	p.keeps(t, Domain{Disks: []string{snapshot}})
}

func TestPruneInAWorkspaceOfAnyName(t *testing.T) {
	newPruning(t, "a [b]* clone").keeps(t)
}

func TestPruneOfAStoreByAnotherName(t *testing.T) {
	p := newPruning(t, "clone")
	link := filepath.Join(t.TempDir(), "a [store]")
	distributor.Must(t, os.Symlink(p.Dir, link))
	p.Dir, p.unused = link, filepath.Join(link, filepath.Base(p.unused))
	p.keeps(t)
}

func TestPruneThatIsInterrupted(t *testing.T) {
	p := newPruning(t, "clone")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.refuses(t, ctx, "context canceled")
}

// TestPruneWithoutQemuImg: a plain overlay is read without it, a disk of the old format is not.
func TestPruneWithoutQemuImg(t *testing.T) {
	p := newPruning(t, "clone")
	old := filepath.Join(t.TempDir(), "old.qcow2")
	distributor.Must(t, exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", old, "64M").Run())
	t.Setenv("PATH", t.TempDir())
	p.refuses(t, t.Context(), "qemu-img", Domain{Disks: []string{old}})
	p.keeps(t)
}

// unreadable makes it what not even root can read: a symbolic link to itself.
func unreadable(t *testing.T, path string) {
	t.Helper()
	distributor.Must(t, os.RemoveAll(path))
	distributor.Must(t, os.Symlink(path, path))
}

func TestPruneKeepsTheImagesOfAWorkspaceThatCannotBeRead(t *testing.T) {
	for _, part := range []string{"", "vm", "vm/core01", "vm/core01/core01.qcow2"} {
		t.Run("/"+part, func(t *testing.T) {
			p := newPruning(t, "clone")
			unreadable(t, filepath.Join(p.workspace, part))
			p.keeps(t)
		})
	}
}

func TestPruneKeepsAllWhereAWorkspacesImagesWereNotNoted(t *testing.T) {
	p := newPruning(t, "clone")
	distributor.Must(t, os.WriteFile(filepath.Join(p.Dir, "workspaces", "0123456789abcdef"), []byte(p.workspace+"\n"), 0o600))
	unreadable(t, p.workspace)
	if removed, err := p.Prune(t.Context(), none); err != nil || len(removed) > 0 {
		t.Errorf("got %v, %v", removed, err)
	}
}

func TestPruneOfAStrangersDiskThatCannotBeRead(t *testing.T) {
	p := newPruning(t, "clone")
	disk := filepath.Join(t.TempDir(), "disk")
	unreadable(t, disk)
	p.refuses(t, t.Context(), "it is not known what it uses", Domain{Disks: []string{disk}})
	p.keeps(t, Domain{Bases: []string{"", p.used}, Disks: []string{disk}})
}

func TestPruneKeepsWhatDomainsUseThatItIsNotToldOf(t *testing.T) {
	p := newPruning(t, "clone")
	removed, err := p.Prune(t.Context(), func() ([]Domain, error) { return nil, fmt.Errorf("no libvirt") })
	if err == nil || len(removed) > 0 || !slices.Contains(files(t, p.Dir), filepath.Base(p.unused)) {
		t.Errorf("got %v, %v", removed, err)
	}
}

// patient waits.
var patient = Patience{Wait: true, Say: func(string, ...any) {}}

// Another process has the store locked: a run says which it is, and waits, or gives up with wait=false.
func TestAStoreThatAnotherProcessHas(t *testing.T) {
	p := newPruning(t, "clone")
	release, err := p.Use(t.Context(), patient)
	distributor.Must(t, err)
	release()
	path := filepath.Join(p.Dir, ".locks", "use")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can lock it: %v, %v", info.Mode(), err)
	}
	other := exec.Command("flock", path, "sh", "-c", "echo locked; read _")
	stdin, err := other.StdinPipe()
	distributor.Must(t, err)
	stdout, err := other.StdoutPipe()
	distributor.Must(t, err)
	distributor.Must(t, other.Start())
	_, err = stdout.Read(make([]byte, 16))
	distributor.Must(t, err)
	who := fmt.Sprintf("process %d (flock ", other.Process.Pid)
	if _, err := p.Use(t.Context(), Patience{}); err == nil || !strings.Contains(err.Error(), who) || !strings.Contains(err.Error(), "\nhint: without wait=false") {
		t.Errorf("got %v", err)
	}
	release, err = p.Use(t.Context(), Patience{Wait: true, Say: func(format string, args ...any) {
		if said := fmt.Sprintf(format, args...); !strings.Contains(said, who) {
			t.Errorf("got %s", said)
		}
		_ = stdin.Close() // and the other ends
	}})
	distributor.Must(t, err)
	release()
	_ = other.Wait()
}
