// Package helper carries what needs etcd's own modules: a discovery service, and what is asked of members and done to them. A
// run starts it; internal/etcd/wire has what they say to each other. It ends when its standard input does.
package helper

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"coreos-libvirt/internal/etcd/wire"
)

// Main is the program, and its exit status. It has no arguments, but the word that says to a program of which it is a part
// that it is meant.
func Main() int {
	// Ctrl-C reaches the whole terminal: who started this program ends it
	signal.Ignore(syscall.SIGINT)
	if len(os.Args) > 2 || len(os.Args) == 2 && os.Args[1] != wire.Helper {
		fmt.Fprintln(os.Stderr, "usage: helper, with requests on its standard input; `mage` starts it")
		return 2
	}
	answers := os.Stdout
	os.Stdout = os.Stderr // what a module prints is no answer
	if err := converse(context.Background(), os.Stdin, answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
