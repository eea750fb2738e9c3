//go:build lab

package tests

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/settings"
)

// BenchmarkUpAgain is `up` of three nodes that run, are ready and have a healthy etcd: by Mage, warm, and by the
// compiled targets.
func BenchmarkUpAgain(b *testing.B) {
	c := newClone(b)
	c.mage(b, "lab", "up", "nodes=3")
	b.Cleanup(func() {
		c.mage(b, "lab", "down", "all=true", "yes=true")
		c.mage(b, "labdown")
	})
	compiled := filepath.Join(b.TempDir(), "targets")
	c.mage(b, "-compile", compiled)
	for name, program := range map[string]string{"mage": c.installed(b), "compiled": compiled} {
		b.Run(name, func(b *testing.B) {
			c.again(b, program) // Mage compiles
			for b.Loop() {
				c.again(b, program)
			}
		})
	}
	b.Log("\n" + c.again(b, compiled))
}

// again is one such run: what it printed, each line with the time when it came.
func (c clone) again(b *testing.B, program string) string {
	b.Helper()
	cmd := c.world().Command(context.Background(), "sh", "-c", `cd "$0" && exec "$1" up nodes=3`, c.dir, program)
	cmd.Env = append(os.Environ(), settings.LabVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(time.Since(begin).Round(time.Millisecond).String() + " " + lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil || strings.Count(said.String(), "running and ready") != 3 {
		b.Fatalf("%v\n%s", err, said.String())
	}
	return said.String()
}
