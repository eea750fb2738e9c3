package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// unusedFor is how long a program is kept that nobody uses: clones of several versions take turns.
const unusedFor = 7 * 24 * time.Hour

// unfinished is what the name of a program ends with while it is built.
const unfinished = ".new"

// Lock waits for the folder's lock file of that name, with which programs are built there. Before, it makes sure that Go is here, and that
// nobody else can put programs into the folder, which this user would run. what is built there has a verb behind it: "the etcd helper is".
func Lock(ctx context.Context, bin, name, what string, waiting func()) (unlock func(), err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, hint.Errorf("install Go: https://go.dev/doc/install", "%s built by Go, which is not here", what)
	}
	if err := artifact.Folder(bin); err != nil {
		return nil, fmt.Errorf("cannot make the folder of programs: %w", err)
	}
	if err := artifact.Own(bin); err != nil {
		return nil, hint.Errorf(fmt.Sprintf("rm -r %q   # what is in it may be of others; it is built again", bin), "programs from there are not run: %w", err)
	}
	return artifact.Lock(ctx, filepath.Join(bin, name), waiting)
}

// Use reports whether the program is there, and notes in its modification time that it is used. One that others can have written
// is none: it is built again.
func Use(path string) bool {
	if artifact.Own(filepath.Dir(path)) != nil || artifact.Own(path) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it may be root's
	return true
}

// RemoveUnused removes the programs whose names begin so which nobody used for long, and what builds that were killed have left. Who holds
// the lock is the only one that builds. A program that runs goes on without its file, and a run that is about to start it builds it again.
func RemoveUnused(bin, prefix string) error {
	entries, err := os.ReadDir(bin)
	if err != nil {
		return err
	}
	name := regexp.MustCompile(`^` + regexp.QuoteMeta(prefix) + `[0-9a-f]{12}(` + regexp.QuoteMeta(unfinished) + `)?$`)
	for _, entry := range entries {
		info, err := entry.Info()
		found := name.FindStringSubmatch(entry.Name())
		if err != nil || found == nil || found[1] == "" && time.Since(info.ModTime()) < unusedFor {
			continue
		}
		_ = os.Remove(filepath.Join(bin, entry.Name())) // another user's stays
	}
	return nil
}
