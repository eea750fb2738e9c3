package transpile

import (
	"encoding/json"
	"flag"
	"fmt"
	"path"
	"strings"
	"sync"

	compact "github.com/clarketm/json" // leaves out empty structs
	"github.com/coreos/ign-converter/translate/v23tov30"
	old "github.com/coreos/ignition/config/v2_3/types"
	ct "github.com/flatcar/container-linux-config-transpiler/config"
	"github.com/flatcar/container-linux-config-transpiler/config/platform"
	ctreport "github.com/flatcar/ignition/config/validate/report"
	"github.com/vincent-petithory/dataurl"

	"coreos-libvirt/internal/hint"
)

const adviceLegacy = "a config without `variant:` is read as a Container Linux Config: https://github.com/flatcar/container-linux-config-transpiler/blob/flatcar-master/doc/configuration.md"

// legacy guards what ct keeps in the process: it finds local files by a flag of the command line.
var legacy sync.Mutex

// containerLinux transpiles a Container Linux Config with its own transpiler, for the platform custom,
// and then from Ignition 2.3 to 3.0.
func containerLinux(name string, source []byte, files string) (doc []byte, warnings []problem, err error) {
	legacy.Lock()
	defer legacy.Unlock()
	if err := setFilesDir(files); err != nil {
		return nil, nil, err
	}
	config, ast, parsed := ct.Parse(source)
	fatal, warnings := legacyProblems(parsed)
	if len(fatal) > 0 {
		return nil, nil, explain(name, source, fatal, adviceLegacy)
	}
	ignition2, converted := ct.Convert(config, platform.Custom, ast)
	fatal, more := legacyProblems(converted)
	if len(fatal) > 0 {
		return nil, nil, explain(name, source, fatal, legacyAdvice(fatal, files))
	}
	data, err := json.Marshal(ignition2)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = toSpec3(data); err != nil {
		return nil, nil, hint.Add(fmt.Errorf("%s: %w", name, err), adviceLegacy)
	}
	doc, err = indent(doc)
	return doc, append(warnings, more...), err
}

func setFilesDir(files string) error {
	const name = "files-dir"
	if flag.Lookup(name) == nil {
		flag.String(name, "", "")
	}
	return flag.Set(name, files)
}

// toSpec3 brings a document of Ignition 2.3 to 3.0. Its networkd units, which spec 3 has no section
// for, become the files that Ignition 2 made of them.
func toSpec3(data []byte) ([]byte, error) {
	var config old.Config
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	for _, unit := range config.Networkd.Units {
		config.Storage.Files = append(config.Storage.Files, networkFiles(unit)...)
	}
	config.Networkd = old.Networkd{}
	paths, err := filesystemPaths(config)
	if err != nil {
		return nil, err
	}
	translated, err := v23tov30.Translate(config, paths)
	if err != nil {
		return nil, err
	}
	return compact.Marshal(translated)
}

// filesystemPaths tells where in the running system each file system is that the config names: spec 3
// knows paths only. A file on one that is nowhere would silently land on the root file system.
func filesystemPaths(config old.Config) (map[string]string, error) {
	paths := map[string]string{"root": "/"}
	for _, fs := range config.Storage.Filesystems {
		if fs.Path != nil {
			paths[fs.Name] = path.Join("/", strings.TrimPrefix(*fs.Path, "/sysroot"))
		}
	}
	var nodes []old.Node
	for _, f := range config.Storage.Files {
		nodes = append(nodes, f.Node)
	}
	for _, d := range config.Storage.Directories {
		nodes = append(nodes, d.Node)
	}
	for _, l := range config.Storage.Links {
		nodes = append(nodes, l.Node)
	}
	for _, n := range nodes {
		if _, ok := paths[n.Filesystem]; !ok {
			return nil, fmt.Errorf("%s is on the file system %q, whose place in the running system is not known", n.Path, n.Filesystem)
		}
	}
	return paths, nil
}

func networkFiles(unit old.Networkdunit) (files []old.File) {
	const folder = "/etc/systemd/network"
	if unit.Contents != "" {
		files = append(files, networkFile(path.Join(folder, unit.Name), unit.Contents))
	}
	for _, dropin := range unit.Dropins {
		files = append(files, networkFile(path.Join(folder, unit.Name+".d", dropin.Name), dropin.Contents))
	}
	return files
}

func networkFile(at, contents string) old.File {
	mode := 0o644
	return old.File{
		Node: old.Node{Filesystem: "root", Path: at},
		FileEmbedded1: old.FileEmbedded1{
			Mode: &mode, Contents: old.FileContents{Source: "data:," + dataurl.EscapeString(contents)},
		},
	}
}

// legacyProblems splits ct's report: what stops, which is errors and keys that ct does not know (mostly
// typos), and what is worth a word. What ct merely calls deprecated is what these configs are made of.
func legacyProblems(rpt ctreport.Report) (fatal, warnings []problem) {
	for _, entry := range rpt.Entries {
		p := problem{line: entry.Line, column: entry.Column, kind: entry.Kind.String(), text: entry.Message}
		switch {
		case entry.Kind == ctreport.EntryError || strings.Contains(entry.Message, "unrecognized key"):
			fatal = append(fatal, p)
		case entry.Kind == ctreport.EntryWarning:
			warnings = append(warnings, p)
		}
	}
	return fatal, warnings
}

func legacyAdvice(problems []problem, files string) string {
	for _, p := range problems {
		if strings.Contains(p.text, "no such file") {
			return "local files are looked for in " + files
		}
	}
	return adviceLegacy
}
