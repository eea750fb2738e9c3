package keys

import (
	"os"
	"os/signal"
	"slices"

	"golang.org/x/sys/unix"
)

// listen puts the terminal back before a signal ends or stops this process, and takes it again when it goes on.
func (k *Keys) listen() (end func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, heeded(unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP, unix.SIGCONT)...)
	go func() {
		for {
			select {
			case s := <-signals:
				k.take(s)
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// heeded are those of the signals that would do something to this process: one that was begun with others ignored, as nohup(1) does
// with SIGHUP, is not ended by them, and goes on as it is.
func heeded(signals ...os.Signal) []os.Signal {
	return slices.DeleteFunc(signals, signal.Ignored)
}

func (k *Keys) take(s os.Signal) {
	switch s {
	case unix.SIGCONT:
		k.enter()
	case unix.SIGTSTP:
		k.leave()
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	default:
		k.leave()
		signal.Reset(s)
		_ = unix.Kill(os.Getpid(), s.(unix.Signal))
	}
}
