package verify_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/verify"
	"coreos-libvirt/internal/config/verify/lacks"
	"coreos-libvirt/internal/config/verify/place"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/testkit/judges"
	"coreos-libvirt/internal/upstream"
	"coreos-libvirt/internal/workspace"
)

var (
	documentation = flag.Bool("documentation", false, "judge every example of documentation, not each tenth")
	update        = flag.Bool("update", false, "write what is said into testdata/broken.txtar")
)

// nodes are those of the config, rendered.
func nodes(path string, count int) (nodes []verify.Node, err error) {
	o := config.Options{
		Path: path, Prefix: "core", Nodes: workspace.Nodes("/vm", "core", count), Updates: true,
		Vars:  func(string) (map[string]string, error) { return map[string]string{}, nil },
		Later: map[string]string{"Etcd_Discovery_Flags": "--discovery=x", "Etcd_Discovery_URL": "http://x/y", "Etcd_CA_Certificate": "x"},
	}
	source, err := config.Read(o)
	if err != nil {
		return nil, err
	}
	made := config.Made{Words: maps.Clone(o.Later)}
	made.Words[config.SSHWord] = config.SSHWord // as of a look, before there is a key
	documents, err := source.Render(made)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		files, replace := source.Written(d.Node)
		n := verify.Node{Name: d.Name, MAC: d.MAC, JSON: d.JSON, System: cmp.Or(source.System(), "fcos"), Replace: replace}
		for _, f := range files {
			n.Files = append(n.Files, place.File(f))
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// said is what is said of the config, and what this host lacks to say more.
func said(t *testing.T, p upstream.Programs, path string, image lacks.Image, system string) (text string, missing []string) {
	t.Helper()
	all, err := nodes(path, 2)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return "", nil
	}
	for i := range all {
		all[i].Image, all[i].System = image, cmp.Or(system, all[i].System)
	}
	j := verify.Judge{Programs: p}
	report, err := j.All(t.Context(), all)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var out strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&out, "%s:%d:%d: %s: %s\n", f.File, f.Line, f.Column, f.Severity, f.Message)
	}
	return out.String(), report.Missing
}

// small is what an image has.
var small = lacks.Image{
	ID: "small", Folders: []string{"/usr/bin"}, Programs: []string{"/usr/bin/bash", "/usr/bin/podman", "/usr/bin/true"}, Users: []string{"core", "etcd", "root"},
	Units: []string{"basic.target", "getty@.service", "multi-user.target", "network-online.target", "sshd.service"}, Groups: []string{"core", "docker", "root", "wheel"},
}

// Each broken config is found to be so, at its line and column.
func TestBroken(t *testing.T) {
	archive := filepath.Join("testdata", "broken.txtar")
	broken, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	p, count, absolute := judges.Programs(t, sandbox.Missing()), 0, here(t, archive)
	folder := t.TempDir()
	t.Chdir(folder)
	for _, f := range broken.Files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(f.Name), 0o755), os.WriteFile(f.Name, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range broken.Files {
		name, is := strings.CutSuffix(f.Name, ".txt")
		if !is {
			continue
		}
		count++
		t.Run(name, func(t *testing.T) {
			config, image := laidOut(t, name), lacks.Image{}
			if strings.HasPrefix(name, "image-") {
				if got, _ := said(t, p, config, image, ""); got != "" {
					t.Errorf("without an inventory it says %q", got)
				}
				image = small
			}
			got, missing := said(t, p, config, image, "")
			if len(missing) > 0 {
				t.Skip(missing)
			}
			got = strings.ReplaceAll(got, name+"/", "")
			if *update {
				broken.Files[i].Data = []byte(got)
			} else if got != string(f.Data) {
				t.Errorf("got:\n%s\nwant:\n%s", got, f.Data)
			}
			if got == "" {
				t.Error("nothing is said")
			}
		})
	}
	if count < 60 {
		t.Errorf("there are only %d", count)
	}
	if *update {
		if err := os.WriteFile(absolute, txtar.Format(broken), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// laidOut puts the config of the name into a folder of its own, with its local files beside it.
func laidOut(t *testing.T, name string) (config string) {
	t.Helper()
	own := filepath.Join(name, "files")
	if _, err := os.Stat(filepath.Join("files", name)); err == nil {
		own = filepath.Join("files", name)
	}
	config = filepath.Join(name, name+".yml")
	text, err := os.ReadFile(name + ".yml")
	if err := errors.Join(err, os.MkdirAll(name, 0o755), os.WriteFile(config, text, 0o600), linked(own, filepath.Join(name, "files"))); err != nil {
		t.Fatal(err)
	}
	return config
}

func here(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// linked makes the folder of local files, or a link to the one that there is.
func linked(from, to string) error {
	if from == to {
		return os.MkdirAll(to, 0o755)
	}
	absolute, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	return os.Symlink(absolute, to)
}

// What the project's own configs, and the examples of Butane's, Fedora CoreOS' and Flatcar's documentation say is not found to be wrong.
func TestNoFalseErrors(t *testing.T) {
	p := judges.Programs(t, sandbox.Missing())
	t.Chdir(filepath.Join("..", "..", ".."))
	own, err := filepath.Glob("ignition/examples/*.yml")
	if err != nil || len(own) == 0 {
		t.Fatal(own, err)
	}
	for _, path := range append(own, "ignition/ignition.yml") {
		for _, system := range []string{"fcos", "flatcar"} {
			if got, _ := said(t, p, path, lacks.Image{}, system); got != "" {
				t.Errorf("on %s: %s", system, got)
			}
		}
	}
	for _, archive := range []string{"butane", "fcos", "flatcar"} {
		examples, err := txtar.ParseFile(filepath.Join("internal/config/transpile/testdata/docs", archive+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		documented(t, p, examples.Files)
	}
}

// wrong are errors that examples of documentation truly have: keys and hashes that are no more than their beginnings, a script that
// is fetched with Ignition's mode, 0644, and executed.
var wrong = []string{"not a public key of ssh", "not the hash of a password", "/opt/get-metadata.sh cannot be executed"}

// documented judges examples, all as nodes of one run: what several have is judged once.
func documented(t *testing.T, p upstream.Programs, examples []txtar.File) {
	t.Helper()
	all := []verify.Node{}
	for i, example := range examples {
		if i%10 > 0 && !*documentation {
			continue
		}
		path := filepath.Join(t.TempDir(), example.Name)
		if err := os.WriteFile(path, example.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := nodes(path, 1)
		if err == nil { // the others name local files, or are broken on purpose
			all = append(all, found...)
		}
	}
	j := verify.Judge{Programs: p}
	report, err := j.All(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Errors() {
		if !slices.ContainsFunc(wrong, func(text string) bool { return strings.Contains(f.Message, text) }) {
			t.Errorf("%s", f.Show())
		}
	}
	t.Logf("%d documents, %d judged, %d findings", len(all), report.Judged, len(report.Findings))
}

// BenchmarkShipped is from the documents of the shipped config to the verdict: of 3 nodes, and of 100.
func BenchmarkShipped(b *testing.B) {
	p := judges.Programs(b, sandbox.Missing())
	b.Chdir(filepath.Join("..", "..", ".."))
	for _, count := range []int{3, 100} {
		all, err := nodes("ignition/ignition.yml", count)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			for b.Loop() {
				j := verify.Judge{Programs: p}
				if report, err := j.All(b.Context(), all); err != nil || report.Judged != 1 || len(report.Findings) > 0 {
					b.Fatal(report, err)
				}
			}
		})
	}
}

// Nodes that have what others have are judged with them; one that has something of its own is not.
func TestJudgedOnce(t *testing.T) {
	p := judges.Programs(t, sandbox.Missing())
	t.Chdir(t.TempDir())
	text := "variant: fcos\nversion: 1.5.0\nsystemd:\n  units:\n  - name: a.service\n    enabled: true\n    contents: |\n      [Unit]\n      Description=Node_Name, Node_MAC\n      [Service]\n      ExecStart=/usr/bin/true\n      Nice=99\n      [Install]\n      WantedBy=multi-user.target\n"
	own := "variant: fcos\nversion: 1.5.0\nsystemd:\n  units:\n  - name: b.service\n    enabled: true\n    contents: |\n      [Service]\n      ExecStart=/usr/bin/true\n      Nce=1\n      [Install]\n      WantedBy=multi-user.target\n"
	err := errors.Join(os.WriteFile("a.yml", []byte(text), 0o600), os.Mkdir("nodes", 0o755), os.WriteFile("nodes/core07.yml", []byte(own), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	all, err := nodes("a.yml", 100)
	if err != nil {
		t.Fatal(err)
	}
	j := verify.Judge{Programs: p}
	report, err := j.All(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if report.Judged != 2 || len(report.Findings) != 2 {
		t.Fatalf("%d documents were judged, %+v found", report.Judged, report.Findings)
	}
	common, only := report.Findings[0], report.Findings[1]
	if len(common.Nodes) != 100 || common.File != "a.yml" || common.Line != 12 {
		t.Errorf("of all: %s", common.Show())
	}
	if fmt.Sprint(only.Nodes) != "[core07]" || only.File != "nodes/core07.yml" || only.Line != 10 || !strings.Contains(only.Message, "did you mean Nice?") {
		t.Errorf("of one: %s", only.Show())
	}
}
