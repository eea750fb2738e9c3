package program

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// digest is of all that the program is built from, names and contents, and of the system that it is for.
func (p Program) digest() (string, error) {
	files, err := p.sources()
	if err != nil {
		return "", fmt.Errorf("cannot read the source of the %s: %w", p.Name, err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOARCH)
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(p.Folder, file))
		if err != nil {
			return "", fmt.Errorf("cannot read the source of the %s: %w", p.Name, err)
		}
		fmt.Fprintf(sum, "%s %d\n", file, len(data))
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// sources are the files that the program is built from, relative to the module's folder: those of the module's own
// packages, for any system, and the two that say the versions of all others. `go list -deps` names the same packages, and
// takes longer than the question may.
func (p Program) sources() ([]string, error) {
	files, packages := []string{"go.mod", "go.sum"}, []string{p.Package}
	for i := 0; i < len(packages); i++ {
		own, err := artifact.Matching(filepath.Join(p.Folder, packages[i]), "*.go")
		if err != nil {
			return nil, err
		}
		for _, file := range own {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			files = append(files, path.Join(packages[i], filepath.Base(file)))
			imported, err := p.importsOf(file)
			if err != nil {
				return nil, err
			}
			for _, one := range imported {
				if !slices.Contains(packages, one) {
					packages = append(packages, one)
				}
			}
		}
	}
	return files, nil
}

// importsOf are the module's own packages that a file imports, as folders below the module's.
func (p Program) importsOf(file string) (packages []string, err error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, imported := range parsed.Imports {
		name, err := strconv.Unquote(imported.Path.Value)
		if err != nil {
			return nil, err
		}
		if own, is := strings.CutPrefix(name, p.Module+"/"); is {
			packages = append(packages, own)
		}
	}
	return packages, nil
}
