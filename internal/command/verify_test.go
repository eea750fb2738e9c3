package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/upstream"
)

// A watch says what is wrong when it becomes so, not again while it is, and that it is not any more.
func TestVerdict(t *testing.T) {
	if missing := sandbox.Missing(); missing != "" {
		t.Skipf("there is no %s", missing)
	}
	t.Chdir(t.TempDir())
	run := func() *Run {
		r, err := New([]string{"config=a.yml", "ready=off", "updates=on", "verify=on", "nodes=2"}, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		r.log = progress.New(&bytes.Buffer{})
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		r.Cache = filepath.Join(cache, "coreos-libvirt")
		return r
	}
	if _, err := upstream.Ensure(t.Context(), bin(run()), t.Logf); err != nil {
		t.Fatal(err)
	}
	v, all := newVerdict(run()), []string{}
	for _, key := range []string{"ExecStart", "ExecStrat", "ExecStrat", "ExecStart"} {
		text := "variant: fcos\nversion: 1.5.0\nsystemd:\n  units:\n  - name: a.service\n    enabled: true\n    contents: |\n      [Service]\n      ExecStop=/x\n      " +
			key + "=/x\n      [Install]\n      WantedBy=multi-user.target\n"
		if err := os.WriteFile("a.yml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		source, err := readConfigs(run())
		if err != nil {
			t.Fatal(err)
		}
		v.say(t.Context(), source, func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) })
	}
	if len(all) != 2 || !strings.Contains(all[0], " a.yml:10:7: error: a.service: unknown key 'ExecStrat'") || !strings.Contains(all[1], "nothing is wrong any more") {
		t.Errorf("it says %q", all)
	}
}

// Without what it needs, the targets on whose way documents are judged say so in a line, and go on; one that judges fails.
func TestVerifyLeftOut(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yml", []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: x}}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	r, err := New([]string{"config=a.yml", "ready=off", "updates=on", "verify=on"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	r.Cache = t.TempDir()
	if err := r.Transpile(t.Context()); err != nil || strings.Count(out.String(), "verify: left out: this host has no sh\n") != 1 {
		t.Errorf("got %v, and it says %q", err, out.String())
	}
	if err := Verify(t.Context(), r); err == nil || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("mage verify: %v", err)
	}
}
