//go:build cgo && libvirt_dlopen

package libvirt

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// slowAfter is how long a daemon may take to answer before the user hears what is waited for.
const slowAfter = 5 * time.Second

// watchSlow says once in a run that libvirt's daemon does not answer, if what it is asked for has not ended (answered is called)
// in time. That goes to standard error: what a target prints may be read by a program.
func (c *connection) watchSlow() (answered func()) {
	call := caller()
	timer := time.AfterFunc(slowAfter, func() {
		c.slow.Do(func() {
			fmt.Fprintf(os.Stderr, "waiting for an answer from libvirt at uri=%s (%s), since %s\n", c.uri, call, slowAfter)
		})
	})
	return func() { timer.Stop() }
}

// caller is the method of this room that was called from outside, in Go's words: Domains, Start. Tests are outside, too.
func caller() string {
	pcs := make([]uintptr, 20)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	name := ""
	for {
		frame, more := frames.Next()
		if method, ours := methodOf(frame.Function); ours {
			name = method
		}
		if !more {
			return name
		}
	}
}

// methodOf is the method's own name if the function, as the runtime calls it, is one of this room or of those inside it.
func methodOf(function string) (name string, ours bool) {
	of, ours := strings.CutPrefix(function, "coreos-libvirt/internal/engine/libvirt")
	name = of[strings.LastIndex(of, ".")+1:]
	return name, ours && (strings.HasPrefix(of, ".") || strings.HasPrefix(of, "/")) && !strings.Contains(of, ".func") && !strings.HasPrefix(name, "Test")
}
