package facts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
	"mvdan.cc/sh/v3/syntax"

	"coreos-libvirt/internal/config/readable"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/guest/units"
)

const root = "../../.."

// meantFor are the configs that the project ships, and the distributions that each is meant for.
var meantFor = map[string][]Distribution{
	"ignition/ignition.yml":                 {FCOS, Flatcar},
	"ignition/examples/docker.yml":          {FCOS, Flatcar},
	"ignition/examples/etcd-flatcar.yml":    {Flatcar},
	"ignition/examples/etcd-quadlet.yml":    {FCOS},
	"ignition/examples/etcd-tls.yml":        {FCOS, Flatcar},
	"ignition/examples/luks.yml":            {FCOS},
	"ignition/examples/network-fcos.yml":    {FCOS},
	"ignition/examples/network-flatcar.yml": {Flatcar},
	"ignition/examples/raid.yml":            {FCOS},
	"ignition/examples/seed-etcd.yml":       {Flatcar},
	"ignition/examples/seed.yml":            {Flatcar},
	"ignition/examples/worker.yml":          {FCOS, Flatcar},
}

// writable are the folders that files of a config may go to.
var writable = map[Distribution][]string{
	FCOS:    {"/etc/", "/var/", "/home/", "/opt/", "/usr/local/"},
	Flatcar: {"/etc/", "/var/", "/home/", "/opt/"},
}

func TestEveryConfigIsMeantForSomething(t *testing.T) {
	found, err := filepath.Glob(root + "/ignition/examples/*.yml")
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	for _, file := range append(found, root+"/ignition/ignition.yml") {
		name, _ := filepath.Rel(root, file)
		if len(meantFor[name]) == 0 {
			t.Errorf("%s: the test does not know which distributions it is for", name)
		}
	}
}

// TestFilesOfNodes holds all that goes into a node, the readiness snippet included, against the table.
func TestFilesOfNodes(t *testing.T) {
	for config, distributions := range meantFor {
		for _, d := range distributions {
			doc := document(t, config, d)
			t.Run(string(d)+" "+path.Base(config), func(t *testing.T) {
				for _, problem := range doc.problems(d) {
					t.Error(problem)
				}
			})
		}
	}
}

// node is what an Ignition document puts into a node.
type node struct {
	files map[string]string // contents by path
	units map[string]string // contents, those of drop-ins included
}

// document transpiles a config as `mage up` does, and adds the readiness snippet and updates=off.
func document(t *testing.T, config string, d Distribution) node {
	t.Helper()
	template, err := transpile.File(filepath.Join(root, config), root+"/ignition/files")
	if err != nil {
		t.Fatal(err)
	}
	ready := render.Readiness{Script: shipped(t, "ready.sh"), Service: shipped(t, "ready.service"), Rules: shipped(t, "hotplug.rules")}
	doc, err := render.WithReadiness(template.JSON, ready)
	if err != nil {
		t.Fatal(err)
	}
	if doc, _, err = render.WithoutUpdates(doc, string(d)); err != nil {
		t.Fatal(err)
	}
	return parsed(t, doc)
}

func shipped(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "templates", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parsed(t *testing.T, doc []byte) node {
	t.Helper()
	var config struct {
		Storage struct {
			Files []struct {
				Path     string
				Contents map[string]any
			}
		}
		Systemd struct {
			Units []struct {
				Name, Contents string
				Dropins        []struct{ Contents string }
			}
		}
	}
	if err := json.Unmarshal(doc, &config); err != nil {
		t.Fatal(err)
	}
	n := node{map[string]string{}, map[string]string{}}
	for _, file := range config.Storage.Files {
		text, err := readable.Contents(file.Contents)
		if err != nil {
			t.Fatal(err)
		}
		n.files[file.Path] = string(text)
	}
	for _, u := range config.Systemd.Units {
		n.units[u.Name] = u.Contents
		for _, dropin := range u.Dropins {
			n.units[u.Name] += "\n" + dropin.Contents
		}
	}
	return n
}

// problems are what would not work on the distribution.
func (n node) problems(d Distribution) (problems []string) {
	for at, text := range n.files {
		if !slices.ContainsFunc(writable[d], func(dir string) bool { return strings.HasPrefix(at, dir) }) {
			problems = append(problems, at+": the folder cannot be written")
		}
		if strings.HasSuffix(at, ".container") && !hasPath(d, "/usr/bin/podman") {
			problems = append(problems, at+": a Quadlet wants Podman")
		}
		if strings.HasSuffix(at, ".sh") || strings.HasPrefix(text, "#!") {
			problems = append(problems, scriptProblems(d, at, text)...)
		}
	}
	for name, text := range n.units {
		problems = append(problems, n.unitProblems(d, name, text)...)
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

// unitProblems are programs that a unit starts and that are not there.
func (n node) unitProblems(d Distribution, name, text string) (problems []string) {
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return []string{name + ": " + err.Error()}
	}
	for _, option := range options {
		words := strings.Fields(option.Value)
		if option.Section != "Service" || !strings.HasPrefix(option.Name, "Exec") || len(words) == 0 {
			continue
		}
		program := strings.TrimLeft(words[0], "-@:+!|")
		if _, ours := n.files[program]; !ours && !hasPath(d, program) {
			problems = append(problems, name+": "+program+" is not there")
		}
		if _, script, is := strings.Cut(option.Value, " -c "); is && isShell(program) {
			problems = append(problems, scriptProblems(d, name, strings.Trim(script, `'"`))...)
		} else if is := isShell(program) && len(words) > 1; is && n.files[words[1]] == "" {
			problems = append(problems, name+": "+words[1]+" is not there")
		}
	}
	return problems
}

func isShell(program string) bool { return slices.Contains([]string{"sh", "bash"}, path.Base(program)) }

// TestScriptsOfUnits: what is asked of a node's units wants nothing that one of the distributions lacks.
func TestScriptsOfUnits(t *testing.T) {
	for _, d := range Distributions {
		for name, text := range map[string]string{
			"units": units.Script([]units.Brought{{Name: "a.service"}}, time.Second, "mark"), "journal": units.Journal("a.service", true),
		} {
			for _, problem := range scriptProblems(d, name, text) {
				t.Errorf("%s: %s", d, problem)
			}
			check := exec.Command("sh", "-n")
			check.Stdin = strings.NewReader(text)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s is not of a POSIX shell: %s", name, out)
			}
		}
	}
}

var networkFile = regexp.MustCompile(`/dev/(tcp|udp)/`)

// scriptProblems are what a script calls and is not there. What it looks for first (command -v, -x) it may call.
func scriptProblems(d Distribution, name, text string) (problems []string) {
	script, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		return []string{err.Error()}
	}
	calls := callsOf(script)
	for _, program := range calls.called {
		if !slices.Contains(calls.own, program) && !onIt(d, program) {
			problems = append(problems, name+": calls "+program+", which is not there")
		}
	}
	if networkFile.MatchString(calls.text) {
		problems = append(problems, name+": uses /dev/tcp or /dev/udp, which not every bash has")
	}
	return problems
}

// onIt reports whether the program is the shell's own, or the table has it for the distribution.
func onIt(d Distribution, program string) bool {
	builtins := strings.Fields(". : [ break cd command continue declare echo eval exec exit export false kill let local mapfile printf pwd read readonly return set shift shopt source test trap true type umask unset wait")
	return slices.Contains(builtins, program) || slices.ContainsFunc(Programs, func(p Program) bool {
		return p.On(d) && (p.Name == program || p.Path != "" && p.Path == program)
	})
}

// calls are the programs that a script calls, its own functions and what it looks for first, and its words.
type calls struct {
	called, own []string
	text        string
}

func callsOf(script *syntax.File) (c calls) {
	syntax.Walk(script, func(at syntax.Node) bool {
		switch at := at.(type) {
		case *syntax.FuncDecl:
			c.own = append(c.own, at.Name.Value)
		case *syntax.CallExpr:
			c.call(words(at.Args))
		case *syntax.ArrayExpr: // a command that is put together
			elements := []*syntax.Word{}
			for _, element := range at.Elems {
				elements = append(elements, element.Value)
			}
			if first := words(elements); len(first) > 0 && slices.ContainsFunc(Programs, func(p Program) bool { return p.Name == first[0] }) {
				c.called = append(c.called, first[0])
			}
		case *syntax.UnaryTest:
			if at.Op == syntax.TsExec {
				c.own = append(c.own, at.X.(*syntax.Word).Lit(), path.Base(at.X.(*syntax.Word).Lit()))
			}
		case *syntax.Lit:
			c.text += at.Value + "\n"
		}
		return true
	})
	return c
}

// call notes a command.
func (c *calls) call(words []string) {
	if len(words) == 0 || words[0] == "" {
		return
	}
	switch {
	case words[0] == "command" && len(words) > 2 && words[1] == "-v", words[0] == "[" && len(words) > 2 && words[1] == "-x":
		c.own = append(c.own, words[2], path.Base(words[2]))
	case slices.Contains([]string{"exec", "timeout", "command"}, words[0]):
		c.called = append(c.called, words[0])
		c.call(afterOptions(words[1:]))
	default:
		c.called = append(c.called, words[0])
	}
}

// afterOptions are the words behind options and a duration.
func afterOptions(words []string) []string {
	for len(words) > 0 && (strings.HasPrefix(words[0], "-") || regexp.MustCompile(`^[0-9.]+[smh]?$`).MatchString(words[0])) {
		words = words[1:]
	}
	return words
}

// words are the texts of words, empty where one is not literal.
func words(from []*syntax.Word) (texts []string) {
	for _, word := range from {
		texts = append(texts, word.Lit())
	}
	return texts
}

func TestProblemsAreFound(t *testing.T) {
	n := node{
		files: map[string]string{
			"/usr/lib/x":       "",
			"/etc/a.sh":        "#!/bin/bash\nanswering() { exec 3<>/dev/tcp/127.0.0.1/22; }\nanswering\nperl -e 1\nexec timeout 5 nc x\n",
			"/etc/b.sh":        "#!/bin/sh\ncommand -v podman && run=(podman run) || run=(docker run)\nexec \"${run[@]}\"\n",
			"/etc/c.sh":        "#!/bin/sh\nrun=(podman run)\n",
			"/etc/x.container": "",
			"/etc/d.sh":        "#!/bin/sh\nif then\n",
		},
		units: map[string]string{
			"a.service": "[Service]\nExecStart=-/usr/bin/python3 /x\nExecStartPre=/bin/bash /etc/a.sh\nExecStop=/bin/sh -c 'socat x'\n[Install]\nExecIs=none",
			"b.service": "[Service]\nExecStart=/bin/bash /etc/none.sh\nExecStop=/usr/lib/x",
		},
	}
	want := map[Distribution][]string{
		Flatcar: {
			"/etc/a.sh: calls perl, which is not there", "/etc/a.sh: uses /dev/tcp or /dev/udp, which not every bash has",
			"/etc/c.sh: calls podman, which is not there", "/etc/d.sh:2:1: \"if\" must be followed by a statement list",
			"/etc/x.container: a Quadlet wants Podman", "/usr/lib/x: the folder cannot be written",
			"a.service: /usr/bin/python3 is not there", "b.service: /etc/none.sh is not there",
		},
		FCOS: {
			"/etc/a.sh: calls nc, which is not there", "/etc/a.sh: calls perl, which is not there", "/etc/a.sh: uses /dev/tcp or /dev/udp, which not every bash has",
			"/etc/d.sh:2:1: \"if\" must be followed by a statement list",
			"/usr/lib/x: the folder cannot be written", "a.service: /usr/bin/python3 is not there", "b.service: /etc/none.sh is not there",
		},
	}
	for d, problems := range want {
		if got := n.problems(d); !slices.Equal(got, problems) {
			t.Errorf("%s: got\n%s", d, strings.Join(got, "\n"))
		}
	}
}

// TestRules: udev's rules are of what both distributions' kernels tell, and start no programs.
func TestRules(t *testing.T) {
	for line := range strings.Lines(string(shipped(t, "hotplug.rules"))) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		for _, term := range strings.Split(line, ", ") {
			if !regexp.MustCompile(`^(ACTION|SUBSYSTEM|TEST|ATTR\{\w+\})==?"[^"]*"$`).MatchString(term) {
				t.Errorf("%q starts a program, or is no term that the test knows", term)
			}
		}
	}
}
