//go:build cgo && libvirt_dlopen

package command

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

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
		"ready=on nodes=3": `core01  running  not known  192\.168\.0\.1  52:\S+  -  base  ignition.json changed
core02  running  not known  192\.168\.0\.1  52:\S+  -  base  ignition.json changed
core03  shut off  no  -  52:\S+  -  base  -
other01  running  not known  192\.168\.0\.1  52:\S+  -  base  not known
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
