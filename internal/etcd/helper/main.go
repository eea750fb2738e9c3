// Command helper carries what needs etcd's own modules: a discovery service, and what is asked of members and done to them. A
// run starts it; internal/etcd/wire has what they say to each other. It ends when its standard input does.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Ctrl-C reaches the whole terminal: who started this program ends it
	signal.Ignore(syscall.SIGINT)
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: helper, with requests on its standard input; `mage` starts it")
		os.Exit(2)
	}
	answers := os.Stdout
	os.Stdout = os.Stderr // what a module prints is no answer
	if err := converse(context.Background(), os.Stdin, answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
