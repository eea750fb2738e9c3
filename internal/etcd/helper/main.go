// Command helper carries what needs etcd's own modules: a discovery service and the health of members.
//
//	helper serve LISTEN DATA TOKEN SIZE     until its standard input ends
//	helper watch ENDPOINTS N PATIENCE IDS   prints a Status a line until it is whole without those; N=0: one
//	helper list ENDPOINTS -                 prints the members as JSON
//	helper add ENDPOINTS PEERURL            adds a learner
//	helper remove|promote|lead ENDPOINTS ID
//	helper register ENDPOINTS TOKEN:SIZE    puts a discovery token there
//	helper backup|restore ENDPOINTS FILE    a snapshot
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	// Ctrl-C reaches the whole terminal: who started this program ends it
	signal.Ignore(syscall.SIGINT)
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 5 && args[0] == "serve":
		size, err := strconv.Atoi(args[4])
		if err != nil {
			return err
		}
		return serve(args[1], args[2], args[3], size)
	case len(args) == 5 && args[0] == "watch":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		patience, err := time.ParseDuration(args[3])
		if err != nil {
			return err
		}
		return watch(context.Background(), strings.Split(args[1], ","), n, patience, strings.Split(args[4], ",")...)
	}
	if len(args) == 3 {
		return change(context.Background(), strings.Split(args[1], ","), args[0], args[2])
	}
	return errors.New("usage: helper serve LISTEN DATA TOKEN SIZE | helper watch ENDPOINTS N PATIENCE IDS | helper VERB ENDPOINTS ARGUMENT")
}
