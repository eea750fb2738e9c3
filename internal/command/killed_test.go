//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/testkit/etcdserver"
)

var (
	child  = flag.String("child", "", "be a run of targets, with commas between their words, a semicolon between runs: what TestKilledAnywhere kills")
	points = flag.Int("points", 51, "at how many points TestKilledAnywhere kills")
)

func TestMain(m *testing.M) {
	if err := os.Setenv("COREOS_VERIFY", "off"); err != nil { // its programs take a minute to build
		panic(err)
	}
	if there := os.Getenv(settings.ThereVariable) != ""; there || len(os.Args) == 2 && os.Args[1] == "version" { //nolint:forbidigo // before there are settings
		os.Exit(beThere(there))
	}
	flag.Parse()
	if *child != "" {
		os.Exit(beChild())
	}
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// beChild does what the flag says, on libvirt's in-process driver: its domains end with this process.
func beChild() int {
	for words := range strings.SplitSeq(*child, ";") {
		target, settings, _ := strings.Cut(words, ",")
		r, err := New(strings.FieldsFunc(settings, func(c rune) bool { return c == ',' }), os.Stdout)
		if err == nil {
			_, err = r.libvirt()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		end := Begin(r)
		stages := []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up}
		switch target {
		case "down":
			stages = []func(context.Context) error{r.Down}
		case "define":
			stages = stages[:len(stages)-1]
		}
		for _, stage := range stages {
			if err := stage(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		end()
		r.unlockAll()
	}
	return 0
}

// inChild runs targets in a process of their own, which is killed after a time, unless that is zero.
func inChild(t *testing.T, after time.Duration, words string) (took time.Duration, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-child="+words)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		time.AfterFunc(after, cancel)
	}
	if err := cmd.Wait(); err != nil && after == 0 {
		t.Fatalf("%s: %v\n%s", words, err, out.String())
	}
	return time.Since(begin), out.String()
}

// TestKilledAnywhere kills `up`, `up recreate=all` and `down` with -9 at points spread over their run. What follows is
// always an `up` that completes, and a `down` that leaves nothing. Libvirt forgets its domains with each process here, so
// that what is tried is what the folders tell; the lab's TestTiny is of a libvirt that remembers.
func TestKilledAnywhere(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_DISKS", "data:1")
	runs := []string{"up", "up;up,recreate=all", "up;down"}
	for _, words := range runs {
		took, _ := inChild(t, 0, words)
		inChild(t, 0, "down")
		n := *points / len(runs)
		for i := range n {
			after := took * time.Duration(i+1) / time.Duration(n+1)
			inChild(t, after, words)
			if _, said := inChild(t, 0, "up"); strings.Count(said, "booting") != 2 {
				t.Fatalf("%s killed after %s, then up:\n%s", words, after, said)
			}
			inChild(t, 0, "down")
			if left := folders(t); left != "" {
				t.Fatalf("%s killed after %s, then up and down: left are %s", words, after, left)
			}
		}
	}
}
