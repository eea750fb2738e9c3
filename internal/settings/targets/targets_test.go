package targets

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"coreos-libvirt/internal/settings"
)

const root = "../../.."

// documented are the targets as Mage finds them: the functions of magefiles/targets.go, and their comments in one line.
func documented(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "magefiles/targets.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, decl := range file.Decls {
		f, is := decl.(*ast.FuncDecl)
		if !is || !f.Name.IsExported() {
			continue
		}
		name := strings.ToLower(f.Name.Name)
		if f.Recv != nil {
			name = strings.ToLower(f.Recv.List[0].Type.(*ast.Ident).Name) + ":" + name
		}
		if name == "clusters:list" { // of which there is an alias
			name = "clusters"
		}
		found[name] = strings.TrimPrefix(strings.Join(strings.Fields(f.Doc.Text()), " "), f.Name.Name+" ")
	}
	return found
}

func TestEveryTargetHasALine(t *testing.T) {
	all := documented(t)
	for name, does := range all {
		if target, is := Find(name); !is || target.Does != does {
			t.Errorf("%s: magefiles/targets.go says %q, the table %q", name, does, target.Does)
		}
	}
	for _, target := range All {
		if _, is := all[target.Name]; !is {
			t.Errorf("%s is no target", target.Name)
		}
		for _, setting := range target.Takes {
			if setting != Vars && settings.Known(setting, "") != nil {
				t.Errorf("%s takes %s, which is no setting", target.Name, setting)
			}
		}
	}
}

func TestEverySettingHasATarget(t *testing.T) {
	for _, setting := range every() {
		if names := takers(setting); len(names) < 2 { // settings takes each
			t.Errorf("%s= has no effect in any target", setting)
		}
	}
}

func TestHelpOfEveryTarget(t *testing.T) {
	for _, target := range All {
		for _, asked := range [][]string{{"help", target.Name}, {target.Name, "--help"}, {target.Name, "-h"}, {"-h", target.Name}, {strings.ToUpper(target.Name), "nodes=0", "x=", "--help"}} {
			if target.Name == help {
				asked = []string{help, help}
			}
			line, err := Parse(asked)
			if err != nil || !line.Help {
				t.Errorf("%v: got %v %v", asked, line.Help, err)
			}
			for _, width := range []int{80, 120} {
				helps(t, target, line, width)
			}
		}
		for _, example := range target.Examples {
			words := strings.Fields(strings.NewReplacer("'uname -r'", "uname", "'virsh list'", "virsh").Replace(example))
			if _, err := Parse(words); err != nil || !strings.HasPrefix(example, target.Name) && !strings.HasPrefix(example, "lab "+target.Name) {
				t.Errorf("the example %q of %s: %v", example, target.Name, err)
			}
		}
	}
}

// helps checks the help of one target.
func helps(t *testing.T, target Target, line Line, width int) {
	t.Helper()
	out := &strings.Builder{}
	Usage{Program: "mage", Width: width, Keys: settings.Keys(settings.Environment{})}.Print(out, line)
	for text := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(strings.TrimSuffix(text, "\n")) > width {
			t.Errorf("wider than %d: %s", width, text)
		}
	}
	said := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"mage " + target.Name + " " + target.Does, target.More, "mage " + target.Examples[0], "mage " + target.Examples[1]} {
		if !strings.Contains(said, want) {
			t.Errorf("%s: no %q in\n%s", target.Name, want, out)
		}
	}
	for _, key := range settings.Keys(settings.Environment{}) {
		meaning := key.Name + " " + strings.Join(strings.Fields(key.Meaning), " ")
		if strings.Contains(said, meaning) != slices.Contains(target.Takes, key.Name) {
			t.Errorf("%s: is %q told where it counts?", target.Name, meaning)
		}
	}
}

func TestWhatIsNoTargetAndNoSetting(t *testing.T) {
	const list = "targets are backup, bench, build, check, ci, clusters, "
	for line, want := range map[string][2]string{
		"lab down x":                   {`there is no target "x"`, list},
		"stauts":                       {`there is no target "stauts"`, "did you mean status ? " + list},
		"lab dwon":                     {`there is no target "dwon"`, "did you mean down ? " + list},
		"ssh x01":                      {`there is no target "x01"`, "did you mean node=x01 ? " + list},
		"up --hlp":                     {`there is no target "--hlp"`, "did you mean help ? " + list},
		"up nodes 5":                   {`"nodes" is a setting, and has no value`, "did you mean nodes=5 ?"},
		"up --nodes 5":                 {`"--nodes" is a setting, and has no value`, "did you mean nodes=5 ?"},
		"up nodes status":              {`"nodes" is a setting, and has no value`, "did you mean nodes=… ?"},
		"--nodes=3 up":                 {`--nodes=3: there is no setting "--nodes"`, "did you mean nodes=3 ?"},
		"up nodes= 5":                  {"nodes= 5: between a setting and its value there is no space", "did you mean nodes=5 ?"},
		"up nods = 5":                  {`nods=5: there is no setting "nods"`, "did you mean nodes=5 ?"},
		"up nodes =":                   {"", ""},
		"help stauts":                  {`there is no target "stauts"`, "did you mean status ? " + list},
		"up nods=3":                    {`nods=3: there is no setting "nods"`, "did you mean nodes=3 ?"},
		"up -v":                        {"-v is a flag of Mage's: it stands before the targets", "mage -v <target>"},
		"timeline file=x":              {"", ""},
		"screen file=x":                {"file=x: screen does not take file=", "file= is a setting of"},
		"timeline format=junit":        {"format=junit: timeline has no such format", "format=json, or format=table"},
		"password prefix=web":          {"prefix=web: password does not take prefix=", "prefix= is a setting of up, down, "},
		"images password nic=eth0":     {"nic=eth0: images, password does not take nic=", "nic= is a setting of host:setup; `mage help images` lists those of images"},
		"down node=core01":             {"node=core01: down does not take node=", "down removes whole clusters; `mage up recreate=core01` recreates a node, "},
		"down status logs node=core01": {"node=core01: down does not take node=", "down removes whole clusters; "},
		"down up plan=true":            {"plan=true: up does not take plan=", "`mage plan` prints what up would do"},
		"plan=true":                    {"plan=true: up does not take plan=", "`mage plan` prints what up would do"},
		"cmd=x lab up":                 {"cmd=x: up, lab does not take cmd=", "cmd= is a setting of ssh, shell; "},
		"lab nodes=3":                  {"nodes=3: lab does not take nodes=", "nodes= is a setting of up, "},
		"lab lab up":                   {"lab does not run inside the lab", "`mage lab`"},
		"status format=junit":          {"format=junit: status has no such format", "format=json, or format=table"},
		"check format=junit":           {"", ""},
		"lab labdown":                  {"labdown does not run inside the lab", "`mage labdown`"},
		"lab status node=core02":       {"node=core02: status does not take node=", "status is about all nodes: `mage status`"},
	} {
		_, err := Parse(strings.Fields(line))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want[0]) || !strings.Contains(got, want[1]) || want[1] != "" && strings.Count(got, "\nhint: "+want[1]) != 1 {
			t.Errorf("%s: got %s", line, got)
		}
	}
	if _, err := Parse([]string{"up", ""}); err == nil || !strings.Contains(err.Error(), "an empty word") {
		t.Errorf("got %v", err)
	}
}

func TestWhatMageAndTheLabGet(t *testing.T) {
	for line, want := range map[string]string{
		"":                                  "[] []",
		"nodes=3":                           "[] []",
		"UP nodes=3 Status":                 "[up status] []",
		"prefix=x -v -t 10m up":             "[-v -t 10m up] []",
		"-t=10m up":                         "[-t=10m up] []",
		"-l":                                "[-l] []",
		"down up prefix=core nodes=3":       "[down up] []",
		"up nodes = 3":                      "[up] []",
		"lab up nodes = 3 ram =1024":        "[lab] [up nodes=3 ram=1024]",
		"lab":                               "[lab] []",
		"image=lab lab":                     "[lab] []",
		"prefix=x LAB up nodes=1 -t 10m":    "",
		"prefix=x settings LAB -v up ram=9": "[settings lab] [-v up ram=9 prefix=x]",
		"ssh node=core01 cmd=lab":           "[ssh] []",
	} {
		l, err := Parse(strings.Fields(line))
		if got := "[" + strings.Join(l.Mage(), " ") + "] [" + strings.Join(l.Inside, " ") + "]"; want != "" && (got != want || err != nil) || want == "" && err == nil {
			t.Errorf("%s: got %s %v", line, got, err)
		}
	}
}

func TestWhichNeedLibvirt(t *testing.T) {
	for line, want := range map[string]bool{"": true, "nodes=3": true, "up": true, "transpile": false, "lab up": false, "lab": false, "transpile status": true, "status lab up": true} {
		if l, err := Parse(strings.Fields(line)); err != nil || l.NeedsLibvirt() != want {
			t.Errorf("%s: got %v %v", line, l.NeedsLibvirt(), err)
		}
	}
	for line, want := range map[string]bool{"watch": true, "transpile": false, "up": false, "lab watch": false} {
		if l, err := Parse(strings.Fields(line)); err != nil || l.ShowsByLibvirt() != want {
			t.Errorf("%s: got %v %v", line, l.ShowsByLibvirt(), err)
		}
	}
}

// TestWhichOnlyPrint: these end when nobody reads what they print, all others go on.
func TestWhichOnlyPrint(t *testing.T) {
	for line, want := range map[string]bool{"": false, "up": false, "logs follow=true": true, "plan": true, "plan up": false, "lab logs": false, "etcd": false} {
		if l, err := Parse(strings.Fields(line)); err != nil || l.Prints() != want {
			t.Errorf("%s: got %v %v", line, l.Prints(), err)
		}
	}
}

// commandLine is a command line in a text: of README's code, and of hints, whose words may be filled in.
var commandLine = regexp.MustCompile("(?:`|\"|^|[(] *|env PATH=\"[$]PATH\" )(?:mage|go run magefile.go) ([a-z][^`\"#|)]*)")

// quoted is a word of a command line that has blanks.
var quoted = regexp.MustCompile("'[^']*'")

// TestWhatIsWrittenToBeTyped: the commands that README, docs and hints show are ones that run.
func TestWhatIsWrittenToBeTyped(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err != nil || entry.IsDir() && (name == "testdata" || name == "tests" || name == ".git" || name == "vm") {
			return fs.SkipDir
		}
		if entry.IsDir() || strings.HasSuffix(name, "_test.go") || !slices.Contains([]string{".go", ".md", ".yml", ".sh"}, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			checked += typed(t, path, line)
		}
		return err
	})
	if err != nil || checked < 100 {
		t.Errorf("%d command lines were found: %v", checked, err)
	}
}

// typed checks the command lines in the line of a text, and counts them.
func typed(t *testing.T, path, line string) int {
	t.Helper()
	found := commandLine.FindAllStringSubmatch(line, -1)
	for _, f := range found {
		oneWord := quoted.ReplaceAllStringFunc(f[1], func(text string) string { return strings.ReplaceAll(strings.Trim(text, "'"), " ", "_") })
		words := strings.Fields(strings.NewReplacer("help %s", "help up", "%s", "x01", `\n`, " ", "<target>", "up").Replace(oneWord))
		if _, err := Parse(words); err != nil {
			t.Errorf("%s: %s: %v", path, f[1], err)
		}
	}
	return len(found)
}
