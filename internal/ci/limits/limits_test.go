package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestProject checks the project itself.
func TestProject(t *testing.T) {
	findings, err := Project.Check(t.Context(), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// No room knows one of a line above its own: so no two know each other, even by others.
func TestRoomsAreInOrder(t *testing.T) {
	at := map[string]int{}
	for i, room := range Project.Rooms {
		if _, twice := at[room.Path]; twice {
			t.Errorf("%s has two lines", room.Path)
		}
		at[room.Path] = i
	}
	for i, room := range Project.Rooms {
		for _, known := range room.Knows {
			if line, is := at[known]; known != below && (!is || line <= i) {
				t.Errorf("%s knows %s, which has no line below", room.Path, known)
			}
		}
	}
}

// many is the text n times, with numbers.
func many(n int, text string) string {
	lines := strings.Builder{}
	for i := range n {
		fmt.Fprintf(&lines, text+"\n", i)
	}
	return lines.String()
}

// blank is a file of n lines.
func blank(n int) string { return "package low\n" + strings.Repeat("\n", n-1) }

// small are the rules for the modules of this test.
var small = Rules{Rooms: []Room{{"top", nil}, {"all", []string{below}}, {"high", []string{"low"}}, {"low", nil}, {"cellar", nil}, {"internal/terminal", nil}}, Private: []string{"cellar"}}

// TestLimits has for each limit a module that just keeps it, with no findings, and one that breaks it.
func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"25 methods":           {files: map[string]string{"low/a.go": "package low\ntype T int\n" + many(13, "func (t T) a%d() {}"), "low/b.go": "package low\n" + many(12, "func (t *T) b%d() {}")}},
		"26 methods":           {map[string]string{"low/a.go": "package low\n\ntype T int\n" + many(13, "func (t T) a%d() {}"), "low/b.go": "package low\n" + many(13, "func (t *T) b%d() {}")}, []string{"low/a.go:3: low.T has 26 methods, 1 more than 25"}},
		"methods of a generic": {map[string]string{"low/a.go": "package low\ntype T[K any] struct{}\n" + many(30, "func (*T[K]) a%d() {}")}, []string{"low/a.go:2: low.T has 30 methods, 5 more than 25"}},
		"promoted methods":     {files: map[string]string{"low/a.go": "package low\ntype T struct{ U }\ntype U struct{}\n" + many(20, "func (T) a%d() {}") + many(20, "func (U) b%d() {}")}},
		"an interface":         {map[string]string{"low/a.go": "package low\ntype T interface {\n" + many(26, "a%d()") + "}\n"}, []string{"low/a.go:2: low.T has 26 methods, 1 more than 25"}},
		"15 fields":            {files: map[string]string{"low/a.go": "package low\ntype U struct{ x, y int }\ntype T struct {\nU\na, b int\n" + many(12, "x%d int") + "}\n"}},
		"16 fields":            {map[string]string{"low/a.go": "package low\ntype U struct{ x, y int }\ntype T struct {\nU\na, b int\n" + many(13, "x%d int") + "}\n"}, []string{"low/a.go:3: low.T has 16 fields, 1 more than 15"}},
		"fields of a variable": {map[string]string{"low/a.go": "package low\nvar x struct {\n" + many(17, "x%d int") + "}\n"}, []string{"low/a.go:2: the struct in line 2 of low/a.go has 17 fields, 2 more than 15"}},
		"1500 lines":           {files: map[string]string{"low/a.go": blank(700), "low/b.go": blank(800), "low/a_test.go": blank(900)}},
		"1501 lines":           {map[string]string{"low/a.go": blank(700), "low/b.go": blank(801)}, []string{"low/a.go:1: low has 1501 lines, 1 more than 1500"}},
		"lines of all builds":  {map[string]string{"low/a.go": blank(700), "low/b.go": "//go:build mage\n" + blank(400), "low/c.go": "//go:build !mage\n" + blank(400)}, []string{"low/a.go:1: low has 1502 lines, 2 more than 1500"}},
		"downwards":            {files: map[string]string{"low/a.go": blank(1), "high/a.go": "package high\n\nimport _ \"house/low\"\n", "internal/terminal/a.go": "package terminal\n", "low/b/a.go": "package b\nimport _ \"house/low\"\nimport _ \"house/internal/terminal\"\nimport _ \"os\"\n"}},
		"upwards":              {map[string]string{"high/a.go": "package high\n", "low/a.go": "package low\n\nimport _ \"house/high\"\n"}, []string{"low/a.go:3: low must not import high: it knows internal/terminal"}},
		"all below":            {map[string]string{"top/a.go": "package top\n", "high/a.go": "package high\n", "all/a.go": "package all\n\nimport _ \"house/high\"\nimport _ \"house/top\"\n"}, []string{"all/a.go:4: all must not import top: it knows all below, internal/terminal"}},
		"a private room":       {map[string]string{"cellar/a.go": "package cellar\n", "all/a.go": "package all\n\nimport _ \"house/cellar\"\n"}, []string{"all/a.go:3: all must not import cellar: it knows all below, internal/terminal"}},
		"no room":              {map[string]string{"attic/a.go": "package attic\n"}, []string{"attic/a.go:1: the package attic is in no room: add it to Rooms in internal/ci/limits"}},
		"a file of Mage's":     {map[string]string{"low/a.go": blank(1), "low/mage_output_file.go": "//go:build never\n\n" + blank(1)}, nil},
		"no build":             {map[string]string{"low/a.go": blank(1), "low/b.go": "//go:build never\n\n" + blank(1)}, []string{"low/b.go:1: this file is in none of the builds that are checked: add its tags to builds in internal/ci/limits"}},
		"a build with libvirt": {map[string]string{"low/a.go": blank(1), "low/b.go": "//go:build libvirt_dlopen\n\npackage low\nimport _ \"house/high\"\n", "high/a.go": "package high\n"}, []string{"low/b.go:4: low must not import high: it knows internal/terminal"}},
		"a build with mage":    {map[string]string{"low/a.go": "//go:build mage\n\npackage low\nimport _ \"house/high\"\n", "high/a.go": "package high\n"}, []string{"low/a.go:4: low must not import high: it knows internal/terminal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := small.Check(t.Context(), module(t, c.files))
			got := []string{}
			for _, f := range findings {
				got = append(got, f.String())
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

// module is a folder with the files of a module.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	write(t, filepath.Join(dir, "go.mod"), "module house\n\ngo 1.26\n")
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An exception keeps quiet what it names, and one that nothing needs is a finding.
func TestExceptions(t *testing.T) {
	dir := module(t, map[string]string{"low/a.go": "package low\ntype T struct {\n" + many(16, "x%d int") + "}\n"})
	rules := small
	rules.Exceptions = []Exception{
		{Name: "low.T", Limit: fields, Why: "a wire format"},
		{Name: "low.T", Limit: methods, Why: "not needed"},
	}
	findings, err := rules.Check(t.Context(), dir)
	if err != nil || len(findings) != 1 || !strings.Contains(findings[0].Text, "low.T has no more than 25 methods: remove this exception") {
		t.Errorf("got %v, %v", findings, err)
	}
}

// What go list cannot read is an error, not a module without findings.
func TestBroken(t *testing.T) {
	for _, dir := range []string{
		t.TempDir(), // no module
		module(t, map[string]string{"low/a.go": "package\n"}),
		module(t, map[string]string{"low/a.go": "package low\nfunc {\n"}),
	} {
		if findings, err := small.Check(t.Context(), dir); err == nil {
			t.Errorf("got %v", findings)
		}
	}
}
