package report

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	parser "github.com/joshdk/go-junit"

	"coreos-libvirt/internal/guest/check"
)

var some = []check.Result{
	{Test: "files.sudoers", Node: "core01", Status: check.Passed, Took: 1500 * time.Millisecond, Output: "ok <b>&]]>\n"},
	{Test: "reboot", Node: "core01", Status: check.Failed, Why: "exit status 3", Took: time.Second, Reboots: 2, Output: "not ok 7\n  ...\n# SKIP\n\ufffe"},
	{Test: "files.sudoers", Node: "core02", Status: check.Skipped, Why: "exit status 77", Took: time.Second},
}

func written(t *testing.T, format string, all []check.Result) *bytes.Buffer {
	t.Helper()
	out := &bytes.Buffer{}
	if err := Write(out, format, all); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestJUnit reads the report with a parser of others.
func TestJUnit(t *testing.T) {
	suites, err := parser.Ingest(written(t, "junit", some).Bytes())
	if err != nil || len(suites) != 2 {
		t.Fatalf("%d suites, %v", len(suites), err)
	}
	one, two := suites[0], suites[1]
	if one.Name != "core01" || one.Totals.Passed != 1 || one.Totals.Failed != 1 || two.Totals.Skipped != 1 || one.Tests[0].Duration != 1500*time.Millisecond {
		t.Errorf("got %+v %+v", one, two)
	}
	failed := one.Tests[1]
	if failed.Name != "reboot" || failed.Status != parser.StatusFailed || failed.Message != "exit status 3" || !strings.Contains(failed.Error.Error(), "not ok 7") {
		t.Errorf("got %+v", failed)
	}
	if out := one.Tests[0].SystemOut; out != "ok <b>&]] >\n" {
		t.Errorf("output %q", out)
	}
}

// TestTAP lets Perl's harness read the report.
func TestTAP(t *testing.T) {
	prove, err := exec.LookPath("prove")
	if err != nil {
		t.Skip("there is no prove")
	}
	for name, c := range map[string]struct {
		results []check.Result
		want    []string
		passes  bool
	}{
		"one fails":   {some, []string{"Failed 1/3 subtests", "Failed test:  2", "less 1 skipped subtest"}, false},
		"none fails":  {[]check.Result{some[0], some[2]}, []string{"Result: PASS", "# SKIP exit status 77"}, true},
		"none at all": {nil, []string{"NOTESTS"}, true},
	} {
		file := filepath.Join(t.TempDir(), "report.t")
		if err := os.WriteFile(file, written(t, "tap", c.results).Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(prove, "--verbose", "--exec", "cat", file).CombinedOutput()
		if (err == nil) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	var got []map[string]any
	if err := json.Unmarshal(written(t, "json", some).Bytes(), &got); err != nil || len(got) != 3 || got[1]["why"] != "exit status 3" || got[0]["seconds"] != 1.5 || got[1]["reboots"] != 2.0 {
		t.Errorf("got %v, %v", got, err)
	}
	if text := strings.TrimSpace(written(t, "json", nil).String()); text != "[]" {
		t.Errorf("nothing: %s", text)
	}
	if err := Write(&bytes.Buffer{}, "html", nil); err == nil {
		t.Error("html")
	}
}
