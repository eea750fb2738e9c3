package local

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// writes reports writes to console logs. All have one instance of inotify, of which a user may have few (inotify(7)).
type writes struct {
	mu      sync.Mutex
	watcher *fsnotify.Watcher
	waiting map[string]chan struct{} // by path
}

// to gives a channel that has a value when something was written to the file at path, from now until end is called. Where
// the system does not tell, it never has.
func (w *writes) to(path string) (written <-chan struct{}, end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watcher == nil {
		watcher, err := fsnotify.NewWatcher()
		if err != nil {
			return nil, func() {}
		}
		w.watcher, w.waiting = watcher, map[string]chan struct{}{}
		go w.tell(watcher)
	}
	if w.watcher.Add(path) != nil {
		return nil, func() {}
	}
	waiting := make(chan struct{}, 1)
	w.waiting[path] = waiting
	return waiting, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.waiting[path] == waiting { // nobody else has asked since
			delete(w.waiting, path)
			_ = w.watcher.Remove(path)
		}
	}
}

func (w *writes) tell(watcher *fsnotify.Watcher) {
	for {
		select {
		case event, more := <-watcher.Events:
			if !more {
				return
			}
			w.mu.Lock()
			select {
			case w.waiting[event.Name] <- struct{}{}:
			default: // nobody waits, or has not looked yet since the last time
			}
			w.mu.Unlock()
		case <-watcher.Errors: //nolint:errcheck // an overflow: who waits looks from time to time anyway
		}
	}
}
