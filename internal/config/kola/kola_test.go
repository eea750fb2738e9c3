package kola

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// put makes executables, and of a path with a `-` before it a file that cannot be executed.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		name, plain := strings.CutPrefix(name, "-")
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o755)
		if plain {
			mode = 0o644
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// find are the tests below the folder, whose paths are shown as in a workspace.
func find(root string) ([]Test, error) {
	return Find(root, func(path string) string { return "ignition/tests" + strings.TrimPrefix(path, root) })
}

func names(tests []Test) (all []string) {
	for _, t := range tests {
		all = append(all, t.Name)
	}
	return all
}

func TestLayout(t *testing.T) {
	root := put(t, map[string]string{
		"gshadow": "#!/bin/sh\n", "files/sudoers": "#!/bin/sh\n", "files/license": "#!/bin/sh\n", "-data/lib.sh": "ok() { :; }\n",
		"reboot/test.sh": "#!/bin/sh\n", "two/test.sh": "#!/bin/sh\n", "two/other": "#!/bin/sh\n", "deep/er/test.sh": "#!/bin/sh\n",
		"-reboot/config.bu": "variant: fcos\n", "-files/README.md": "text\n", "-two/forgotten": "#!/bin/sh\n", ".git/hook": "#!/bin/sh\n",
	})
	if err := os.Symlink("../data", filepath.Join(root, "files/data")); err != nil {
		t.Fatal(err)
	}
	tests, err := find(root)
	if want := []string{"deep.er", "files.license", "files.sudoers", "gshadow", "reboot", "two.other", "two.test.sh"}; err != nil || !slices.Equal(names(tests), want) {
		t.Fatalf("got %v, %v; want %v", names(tests), err, want)
	}
	for name, data := range map[string]string{"files.sudoers": "files/data", "gshadow": "data", "reboot": ""} {
		i := slices.Index(names(tests), name)
		if want := filepath.Join(root, data); data != "" && tests[i].Data != want || data == "" && tests[i].Data != "" {
			t.Errorf("%s: data %q, want %q", name, tests[i].Data, data)
		}
	}
	if got := tests[4].Notes; !slices.Equal(got, []string{"config.bu has no effect here: " + byDocument}) {
		t.Errorf("reboot: notes %q", got)
	}
	if got := tests[5].Notes; !slices.Equal(got, []string{"ignition/tests/two/forgotten is not a test: it cannot be executed (chmod +x)"}) {
		t.Errorf("two.other: notes %q", got)
	}
}

func TestMetadata(t *testing.T) {
	want := Meta{Architectures: List{true, []string{"s390x", "ppc64le"}}, Distros: List{Words: []string{"fcos"}}, Tags: []string{"needs-internet", "slow"}, Timeout: 8 * time.Minute, OneNode: true, Description: "a test of two lines"}
	for name, files := range map[string]map[string]string{
		"JSON in the test": {"one": "#!/bin/bash\nset -e\n# kola: " + `{ "architectures": "!s390x ppc64le", "distros": "fcos", "tags": "needs-internet slow", "timeoutMin": 8, "exclusive": true, "nodes": "one", "description": "a test of two lines" }` + "\ntrue\n"},
		"YAML in the test": {"one": "#!/bin/bash\n## kola:\n##   architectures: \"! s390x ppc64le\"\n##   distros: fcos # not another\n##   tags: needs-internet slow\n##   # why\n##   timeoutMin: 8\n##   exclusive: false\n##   nodes: one\n##   description: a test of\n##     two lines\n\ntrue\n"},
		"YAML to the end":  {"one": "#!/bin/bash\n## kola:\n##   {architectures: \"!s390x ppc64le\", distros: fcos, tags: needs-internet slow, timeoutMin: 8, nodes: one,\n##   description: a test of two lines}"},
		"kola.json":        {"one": "#!/bin/bash\n", "-kola.json": `{ "architectures": "!s390x ppc64le", "distros": "fcos", "tags": "needs-internet slow", "timeoutMin": 8, "nodes": "one", "description": "a test of two lines" }`},
		"the test's own counts in place of kola.json": {"-kola.json": `{"requiredTag": "special"}`, "one": "# kola: " + `{ "architectures": "!s390x ppc64le", "distros": "fcos", "tags": "needs-internet slow", "timeoutMin": 8, "nodes": "one", "description": "a test of two lines" }` + "\n"},
	} {
		tests, err := find(put(t, files))
		if err != nil || len(tests) != 1 {
			t.Errorf("%s: got %d tests, %v", name, len(tests), err)
			continue
		}
		if got := tests[0].Meta; got.Architectures.String() != want.Architectures.String() || got.Distros.String() != "fcos" || !slices.Equal(got.Tags, want.Tags) || got.Timeout != want.Timeout || !got.OneNode || got.Description != want.Description || got.RequiredTag != "" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestKeysWithoutEffectAreNamed, all that kola has and that are not of this project.
func TestKeysWithoutEffectAreNamed(t *testing.T) {
	all := "#!/bin/sh\n## kola:\n"
	for _, k := range keys {
		value := map[string]string{"!!int": "5", "!!bool": "false", "!!seq": "[a]", "": "x", "!!str": "all"}[k.tag]
		all += "##   " + k.name + ": " + value + "\n"
	}
	tests, err := find(put(t, map[string]string{"one": all}))
	if err != nil || len(tests) != 1 {
		t.Fatal(err)
	}
	if got := strings.Join(tests[0].Notes, "\n"); len(tests[0].Notes) != 15 || !strings.Contains(got, "additionalDisks has no effect here: nodes are as the cluster's settings make them: `disks=`") {
		t.Errorf("%d notes: got\n%s", len(tests[0].Notes), got)
	}
}

func TestWrongMetadataHasItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"an unknown key in YAML": {map[string]string{"one": "#!/bin/sh\n## kola:\n##   tag: slow\n"}, []string{"ignition/tests/one:3:6: error: there is no key tag\n    3 | ##   tag: slow\n      |      ^\nhint: write `tags` in place of `tag`"}},
		"an unknown key in JSON": {map[string]string{"one": "#!/bin/sh\n# kola: { \"colour\": \"red\" }\n"}, []string{"ignition/tests/one:2:11: error: there is no key colour\n", "\nhint: keys are architectures, distros"}},
		"in kola.json":           {map[string]string{"one": "", "-kola.json": "{\n  \"tags\": \"a\",\n  \"timeoutMinutes\": 3\n}\n"}, []string{"ignition/tests/kola.json:3:3: error: there is no key timeoutMinutes"}},
		"a list":                 {map[string]string{"one": "## kola:\n## tags: [a, b]\n"}, []string{"ignition/tests/one:2:10: error: tags is a text", "hint: write `tags: words with blanks between them`"}},
		"a text for a number":    {map[string]string{"one": "# kola: {\"timeoutMin\": \"8\"}\n"}, []string{"ignition/tests/one:1:24: error: timeoutMin is a whole number", "`timeoutMin: 8`"}},
		"minutes below 0":        {map[string]string{"one": "## kola:\n## timeoutMin: -1\n"}, []string{"ignition/tests/one:2:16: error: timeoutMin: -1: it is 1 to 10080"}},
		"nodes":                  {map[string]string{"one": "## kola:\n## nodes: two\n"}, []string{"ignition/tests/one:2:11: error: nodes: two: it is one or all"}},
		"a ! that is not quoted": {map[string]string{"one": "## kola:\n## architectures: !s390x ppc64le\n"}, []string{"ignition/tests/one:2:19: error: architectures is a text", "hint: quote it: `architectures: \"!s390x ppc64le\"`"}},
		"twice":                  {map[string]string{"one": "## kola:\n## tags: a\n## tags: b\n"}, []string{"ignition/tests/one:3:4: error: tags is there already"}},
		"no JSON":                {map[string]string{"one": "#!/bin/sh\n# kola: { \"tags\": \"a\", }\n"}, []string{"ignition/tests/one:2:24: error: "}},
		"half JSON":              {map[string]string{"one": "# kola: { \"tags\": \"a\"\n"}, []string{"ignition/tests/one:1:21: error: unexpected EOF"}},
		"JSON and more":          {map[string]string{"one": "# kola: {} {}\n"}, []string{"ignition/tests/one:1:12: error: something stands behind the end of the JSON"}},
		"a JSON list":            {map[string]string{"one": "# kola: []\n"}, []string{"ignition/tests/one:1:1: error: "}},
		"no YAML":                {map[string]string{"one": "#!/bin/sh\n## kola:\n##   tags: \"a\n"}, []string{"ignition/tests/one:3:12: error: the quote \" is not closed"}},
		"both":                   {map[string]string{"one": "## kola:\n## tags: a\n# kola: {}\n"}, []string{"ignition/tests/one:3:1: error: metadata stand above, behind ## kola:"}},
		"YAML twice":             {map[string]string{"one": "## kola:\n## tags: a\n\n## kola:\n"}, []string{"ignition/tests/one:4:1: error: metadata stand above, too"}},
		"YAML in the same line":  {map[string]string{"one": "## kola: tags: a\n"}, []string{"ignition/tests/one:1:9: error: metadata begin in the next line", "`## tags: a`"}},
		"a text":                 {map[string]string{"one": "## kola:\n## slow\n"}, []string{"ignition/tests/one:2:4: error: metadata are keys and values"}},
		"a name with blanks":     {map[string]string{"my test": ""}, []string{"ignition/tests/my test: \"my test\" cannot be the name of a test\nhint: "}},
		"one name twice":         {map[string]string{"a/b": "", "a.b": ""}, []string{"are both the test a.b\nhint: rename one of the two"}},
	} {
		_, err := find(put(t, c.files))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got\n%v\nwant\n%s", name, err, want)
			}
		}
	}
}

func TestALinkToNothing(t *testing.T) {
	root := put(t, map[string]string{"one": ""})
	if err := os.Symlink("nowhere", filepath.Join(root, "gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := find(root); err == nil || err.Error() != "ignition/tests/gone: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestUnfit(t *testing.T) {
	for _, c := range []struct{ meta, arch, distro, want string }{
		{"{}", "x86_64", "debian", ""},
		{`{"architectures": "x86_64"}`, "x86_64", "fcos", ""},
		{`{"architectures": "! x86_64"}`, "x86_64", "fcos", `architectures: "!x86_64", and the node is x86_64`},
		{`{"distros": "fcos rhcos"}`, "x86_64", "flatcar", `distros: "fcos rhcos", and the node is flatcar`},
		{`{"platforms": "!gcp"}`, "x86_64", "fcos", ""},
		{`{"platforms": "aws gcp"}`, "x86_64", "fcos", `platforms: "aws gcp", and the node is qemu`},
	} {
		meta, _, err := folder("kola.json", []byte(c.meta))
		if got := meta.Unfit(c.arch, c.distro); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v", c.meta, got, err)
		}
	}
}

func TestSelect(t *testing.T) {
	tests, err := find(put(t, map[string]string{"files/a": "# kola: {\"tags\": \"slow\"}\n", "files/b": "# kola: {\"tags\": \"slow net\"}\n", "files/special": "# kola: {\"requiredTag\": \"special\"}\n", "c": ""}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ patterns, tags, want string }{
		{"", "", "c files.a files.b"},
		{"files.*", "", "files.a files.b"},
		{"c files.a", "", "c files.a"},
		{"", "slow", "files.a files.b"},
		{"", "slow !net", "files.a"},
		{"", "!slow", "c"},
		{"", "special", "files.special"},
		{"files.special", "", "files.special"},
		{"files.*", "special slow", "files.a files.b files.special"},
	} {
		got, err := Select(tests, strings.Fields(c.patterns), strings.Fields(c.tags))
		if strings.Join(names(got), " ") != c.want || err != nil {
			t.Errorf("test=%s tags=%s: got %v, %v; want %s", c.patterns, c.tags, names(got), err, c.want)
		}
	}
	for pattern, want := range map[string]string{
		"files.[": "test=files.[: syntax error in pattern\nhint: in a pattern", "flies.a": "test=flies.a: there is no such test\nhint: did you mean test=files.a ?", "zzzzzzzzz": "hint: tests are c, files.a, files.b, files.special",
	} {
		if _, err := Select(tests, []string{pattern}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", pattern, err)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n## kola:\n##   tags: a\n"))
	f.Add([]byte("# kola: {\"tags\": \"a\"}\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		_, _, _, err := own("one", source)
		if err != nil && !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("no hint: %v", err)
		}
	})
}
