package session

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Locks are those of the clusters that a run keeps other runs off. They go with the process, however it ends.
type Locks struct {
	workspace.Workspace
	mu   sync.Mutex
	held map[string]func() // by prefix
	told sync.Once         // what an interruption left
}

// Take locks the cluster prefix, unless this run holds its lock already. If another run has it, that is an error, or if
// wait is true, say says who is waited for.
func (l *Locks) Take(ctx context.Context, prefix string, wait bool, say func(string, ...any)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[prefix] != nil {
		return nil
	}
	path := l.Lock(prefix)
	waiting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	unlock, err := artifact.Lock(waiting, path, func() {
		if !wait {
			giveUp(hint.Errorf("add wait=true to the command: it then starts when the other run has ended", "%s: %s is changing this cluster", prefix, holder(path)))
			return
		}
		say("%s: waiting for %s, which is changing this cluster", prefix, holder(path))
	})
	if cause := context.Cause(waiting); err != nil && cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	if l.held == nil {
		l.held = map[string]func(){}
	}
	l.held[prefix] = unlock
	return os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600)
}

// Held are the clusters whose locks this run has, sorted.
func (l *Locks) Held() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.held))
}

// Free gives all locks back before the process ends.
func (l *Locks) Free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for prefix, unlock := range l.held {
		unlock()
		delete(l.held, prefix)
	}
}

// holder names the process that has the lock, if that can be found out.
func holder(path string) string {
	text, _ := os.ReadFile(path)
	return artifact.Process(strings.TrimSpace(string(text)))
}
