package limits

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// builds are the sets of build tags in use. A file that is in none of them is a finding.
var builds = []string{"", "libvirt_dlopen", "mage", "libvirt_dlopen,lab,mage,program"}

// onePackage is a package in one of the builds.
type onePackage struct {
	Folder  string // from the module's folder
	Module  string
	Files   []source
	Ignored []string // files of other builds
}

// source is one file.
type source struct {
	Path   string // from the module's folder
	Lines  int
	Syntax *ast.File
	Set    *token.FileSet
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	Module                            struct{ Path, Dir string }
	Error                             *struct{ Err string }
}

// load reads the packages of the module in each build.
func load(ctx context.Context, dir string) ([]onePackage, error) {
	all := []onePackage{}
	for _, tags := range builds {
		found, err := list(ctx, dir, tags)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			p, err := l.read()
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// list runs go list. A package that has no files in this build is an error that is none.
func list(ctx context.Context, dir, tags string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,Module,Error", "-tags", tags, "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off")
	cmd.Stderr = &bytes.Buffer{}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, cmd.Stderr)
	}
	all := []listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		l := listed{}
		err := decoder.Decode(&l)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case l.Error != nil && len(l.IgnoredGoFiles) == 0:
			return nil, fmt.Errorf("go list: %s", l.Error.Err)
		}
		all = append(all, l)
	}
}

// read parses the package's files.
func (l listed) read() (onePackage, error) {
	folder, err := filepath.Rel(l.Module.Dir, l.Dir)
	p := onePackage{Folder: folder, Module: l.Module.Path}
	for _, name := range append(l.GoFiles, l.CgoFiles...) {
		text, failed := os.ReadFile(filepath.Join(l.Dir, name))
		s := source{Path: path.Join(folder, name), Lines: bytes.Count(text, []byte("\n")), Set: token.NewFileSet()}
		s.Syntax, err = parser.ParseFile(s.Set, s.Path, text, parser.SkipObjectResolution)
		if err := errors.Join(failed, err); err != nil {
			return p, err
		}
		p.Files = append(p.Files, s)
	}
	for _, name := range l.IgnoredGoFiles {
		if !strings.HasSuffix(name, "_test.go") && name != ofMage {
			p.Ignored = append(p.Ignored, path.Join(folder, name))
		}
	}
	return p, err
}

// ofMage is a file that Mage writes beside the targets while it compiles them, as a test that runs meanwhile has it do.
const ofMage = "mage_output_file.go"

// finding is one at a place in the file.
func (s source) finding(at token.Pos, format string, args ...any) Finding {
	return Finding{s.Path, s.Set.Position(at).Line, fmt.Sprintf(format, args...)}
}

// unbuilt finds files that are in no build.
func unbuilt(all []onePackage) []Finding {
	built := map[string]bool{}
	for _, p := range all {
		for _, f := range p.Files {
			built[f.Path] = true
		}
	}
	findings := []Finding{}
	for _, p := range all {
		for _, file := range p.Ignored {
			if !built[file] {
				findings = append(findings, Finding{file, 1, "this file is in none of the builds that are checked: add its tags to builds in internal/ci/limits"})
			}
		}
	}
	return findings
}
