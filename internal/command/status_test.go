//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/terminal/progress"
)

// TestStatusShowsWhatUpWouldDo: what `mage plan` says, of nodes that are still to be made, too.
func TestStatusShowsWhatUpWouldDo(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2")
	halt(t, "core02")
	if err := os.Remove(overlayOf("core02")); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"nodes=4":                       "core01 running -\ncore02 shut off create: its overlay is gone\n`… nodes=4` would also make core03, core04\n",
		"nodes=2 recreate=core01":       "core01 running recreate: as recreate= says\ncore02 shut off create: its overlay is gone\n",
		"nodes=1":                       "core01 running -\ncore02 shut off remove: nodes=1\n",
		"nodes=1 prefix=other":          "status: there are no nodes\n",
		"nodes=2 format=json recreate=": `"drift": "create: its overlay is gone"`,
	} {
		r := run(t, strings.Fields(words)...)
		if err := Status(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(`(?m)^(core0\d +(?:running|shut off)) .* base +(.*)$`).ReplaceAllString(r.said(), "$1 $2")
		got = regexp.MustCompile("`.* nodes=").ReplaceAllString(got, "`… nodes=")
		if got = regexp.MustCompile(` {2,}`).ReplaceAllString(got, " "); !strings.HasSuffix(got, want) && !strings.Contains(want, "drift") || !strings.Contains(got, want) {
			t.Errorf("%s: want\n%s\ngot\n%s", words, want, got)
		}
	}
}

// TestStatusWaitsForNobody: nodes that do not answer, and a distributor that does not.
func TestStatusWaitsForNobody(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=3")
	mustUp(t, "nodes=1", "prefix=other")
	halt(t, "core03")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for words, want := range map[string]string{
		"ready=on nodes=3": `core01  running  not known  192\.168\.0\.1  52:\S+  -  -  base  ignition.json changed
core02  running  not known  192\.168\.0\.1  52:\S+  -  -  base  ignition.json changed
core03  shut off  no  -  52:\S+  -  -  base  create: ignition.json changed
other01  running  not known  192\.168\.0\.1  52:\S+  -  -  base  not known
`,
		"ready=on image=fcos-stable fcos_url=http://" + silent.Addr().String(): `core01 .*
core02 .*
core03 .*
other01 .*  not known
`,
	} {
		r := run(t, strings.Fields(words)...)
		begin := time.Now()
		if err := Status(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: took %s", words, took)
		}
		_, rows, _ := strings.Cut(regexp.MustCompile(` {2,}`).ReplaceAllString(r.said(), "  "), "\n")
		if !regexp.MustCompile(`^` + want + `$`).MatchString(rows) {
			t.Errorf("%s: want\n%s\ngot\n%s", words, want, rows)
		}
	}
}

// TestStatusFollows prints the table, then the lines that change, until it is interrupted, which is not an error.
func TestStatusFollows(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=2")
	for _, format := range []string{"table", "json"} {
		ctx, cancel := context.WithCancel(t.Context())
		out, ended := &saying{}, make(chan error, 1)
		r := run(t, "follow=true", "format="+format)
		r.log, r.out = progress.New(out), out
		go func() { ended <- Status(ctx, r) }()
		begin := out.wait(t, ended, map[string]string{"table": "\ncore02 ", "json": "]\n"}[format])
		halt(t, "core02")
		said := strings.TrimPrefix(out.wait(t, ended, "shut off"), begin)
		if format == "table" && (!strings.HasPrefix(begin, "NODE ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, "   core02   shut off ")) {
			t.Errorf("got\n%s\nand then\n%s", begin, said)
		}
		said = out.wait(t, ended, "shut off")
		if format == "json" && (strings.Count(said, "\n]\n") != 2 || strings.Count(said, `"node": "core01"`) != 2) {
			t.Errorf("got\n%s", said)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got %v", err)
		}
		mustUp(t, "nodes=2")
	}
}
