//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/terminal/progress"
)

func TestLogsOfSeveralNodes(t *testing.T) {
	inClone(t)
	mustUp(t)
	save(t, "vm/core01/console.log", "SeaBIOS\n[    0.5] Linux\nno clock\n[    9.0] late\n")
	save(t, "vm/core02/console.log", "[    0.1] first\x1b]52;c;x\x1b\\\r\n[    1.0] middle\n[    0.2] booted again\ncore02 login: ")
	r := run(t)
	if err := Logs(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := "core01 SeaBIOS\ncore02 [    0.1] first\ncore01 [    0.5] Linux\ncore01 no clock\ncore02 [    1.0] middle\ncore02 [    0.2] booted again\ncore02 core02 login:\ncore01 [    9.0] late\n"
	if r.said() != want {
		t.Errorf("want\n%s\ngot\n%s", want, r.said())
	}
	if err := Logs(t.Context(), run(t, "node=core07")); err == nil || !strings.Contains(err.Error(), "node=core07 is not a node of this workspace") {
		t.Errorf("got %v", err)
	}
}

// TestLogsOfANodeThatWasTakenBack can still be read.
func TestLogsOfANodeThatWasTakenBack(t *testing.T) {
	inClone(t)
	save(t, "vm/core01/console.log", "Kernel panic\n")
	for _, words := range [][]string{{"node=core01"}, nil} {
		r := run(t, words...)
		if err := Logs(t.Context(), r); err != nil || r.said() != "Kernel panic\n" {
			t.Errorf("%v: got %v\n%s", words, err, r.said())
		}
	}
	if err := os.RemoveAll("vm/core01"); err != nil {
		t.Fatal(err)
	}
	if err := Logs(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "there are no nodes") {
		t.Errorf("got %v", err)
	}
}

// TestFollowedLinesAreWhole has a node that writes half a line, and the rest of it later.
func TestFollowedLinesAreWhole(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1")
	save(t, "vm/core01/console.log", "one\ntw")
	r := run(t, "follow=true")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.log = progress.New(write)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Logs(ctx, r) }()
	said := make(chan string, 9)
	go func() {
		for buffer := make([]byte, 100); ; {
			n, err := read.Read(buffer)
			if err != nil {
				close(said)
				return
			}
			said <- string(buffer[:n])
		}
	}()
	if got := <-said; got != "one\n" {
		t.Errorf("got %q", got)
	}
	select {
	case got := <-said:
		t.Errorf("half a line is told: %q", got)
	case <-time.After(500 * time.Millisecond):
	}
	log, err := os.OpenFile("vm/core01/console.log", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	if _, err := log.WriteString("o\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-said; got != "two\n" {
		t.Errorf("got %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
