package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing happens after a save: programs write a file in several steps.
	quiet = 50 * time.Millisecond
	// atMost is how many times that is waited for altogether: something may write all the time.
	atMost = 40
	// lookAgain is how often missing folders are looked for.
	lookAgain = 500 * time.Millisecond
)

// watchedFiles reports saves of all that documents are made of: the configs, what they name beside them, the
// vars.yml there, files/ and nodes/ there, the same in ignition/, and the templates. Generated files, in vm/ or .git, are not watched.
type watchedFiles struct {
	*fsnotify.Watcher
	configs []string
	say     func(format string, args ...any)
	said    map[string]bool // what cannot be watched, and why
	quiet   time.Duration   // after a save
}

func watchFiles(configs []string, say func(string, ...any)) (watchedFiles, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return watchedFiles{}, fmt.Errorf("cannot watch files: %w", err)
	}
	w := watchedFiles{watcher, configs, say, map[string]bool{}, quiet}
	w.add()
	return w, nil
}

func (w watchedFiles) close() { _ = w.Close() }

// next waits for a save; false is the end of ctx. What goes wrong with the watching itself is said, and
// counts as a save: one may have been missed.
func (w watchedFiles) next(ctx context.Context) bool {
	missing := time.NewTicker(lookAgain)
	defer missing.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case err := <-w.Errors:
			w.say("watch: %s; going on", err)
			w.add()
			return true
		case event := <-w.Events:
			if w.add() || w.counts(event.Name) {
				w.drain()
				w.add()
				return true
			}
		case <-missing.C:
			if w.add() {
				return true
			}
		}
	}
}

// folders are the configs' own and ignition/; what counts of each is in it and in its files/ and nodes/.
func (w watchedFiles) folders() []string {
	all := []string{"ignition"}
	for _, config := range w.configs {
		all = append(all, filepath.Dir(config))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// add watches what is there and not watched yet, and reports whether there was any. What is gone the watcher
// forgets by itself.
func (w watchedFiles) add() bool {
	before := len(w.WatchList())
	for _, folder := range w.folders() {
		w.one(folder)
		w.below(filepath.Join(folder, "files"))
		w.below(filepath.Join(folder, "nodes"))
	}
	w.below("templates")
	return len(w.WatchList()) > before
}

// one watches a folder. A missing one may come.
func (w watchedFiles) one(folder string) {
	err := w.Add(folder)
	if err == nil || errors.Is(err, fs.ErrNotExist) || w.said[err.Error()] {
		return
	}
	w.said[err.Error()] = true
	w.say("watch: saves in %s go unseen: %s", folder, err)
}

// below watches a folder and all that it holds.
func (w watchedFiles) below(root string) {
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			w.one(path)
		}
		return nil
	})
}

// counts reports whether documents are made of the file.
func (w watchedFiles) counts(path string) bool {
	folder, name := filepath.Split(filepath.Clean(path))
	if !slices.Contains(w.folders(), filepath.Clean(folder)) {
		return true // below files/, nodes/ or templates/
	}
	return slices.Contains([]string{"vars.yml", "files", "nodes"}, name) || w.isConfig(name) || w.names(name)
}

func (w watchedFiles) isConfig(name string) bool {
	return slices.ContainsFunc(w.configs, func(config string) bool { return filepath.Base(config) == name })
}

// names reports whether the name of a file beside a config stands in it: it may be a local file.
func (w watchedFiles) names(file string) bool {
	return slices.ContainsFunc(w.configs, func(config string) bool {
		text, err := os.ReadFile(config)
		return err == nil && bytes.Contains(text, []byte(file))
	})
}

// drain takes the events that follow, until there was none for a while: a file that is half written is no save.
func (w watchedFiles) drain() {
	timer := time.NewTimer(w.quiet)
	defer timer.Stop()
	for end := time.After(atMost * w.quiet); ; {
		select {
		case <-w.Events:
			timer.Reset(w.quiet)
		case <-timer.C:
			return
		case <-end:
			return
		}
	}
}
