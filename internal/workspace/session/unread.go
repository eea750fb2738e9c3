package session

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// EndedByPipe is the exit status of a program that nobody reads any more, as a shell says it: 128 and the number of SIGPIPE.
const EndedByPipe = 128 + int(syscall.SIGPIPE)

// Stdout is this process' standard output. If that is a pipe that nobody reads any more, like in `mage up | head`, a run that only
// prints ends there without a word, with the status EndedByPipe; any other goes on to its end, and what it prints is lost: it
// must not end while it changes a cluster.
func Stdout(onlyPrints bool) io.Writer {
	if term.IsTerminal(int(os.Stdout.Fd())) {
		return os.Stdout
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a write fails then, and ends nobody (go doc os/signal)
	return unread{os.Stdout, func() {
		if onlyPrints {
			os.Exit(EndedByPipe)
		}
	}}
}

// unread passes writes on, and calls end if nobody reads them.
type unread struct {
	to  io.Writer
	end func()
}

func (u unread) Write(p []byte) (int, error) {
	n, err := u.to.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		u.end()
		return len(p), nil
	}
	return n, err
}

// IsUnread reports whether the error is that nobody reads the standard output of this process any more.
func IsUnread(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Path == os.Stdout.Name() && errors.Is(failed, syscall.EPIPE)
}
