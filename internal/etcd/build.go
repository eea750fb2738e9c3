package etcd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// The helper's package below the module's folder, and what the names of the module's packages begin with.
const (
	helperPackage = "internal/etcd/helper/program"
	modulePrefix  = "coreos-libvirt/"
)

// What the programs' names are made of.
const (
	programPrefix = "etcd-helper-" // and its sources' digest
	unfinished    = ".new"
)

var programName = regexp.MustCompile(`^` + programPrefix + `[0-9a-f]{12}(` + regexp.QuoteMeta(unfinished) + `)?$`)

// unusedFor is how long a program is kept that nobody uses: clones of several versions take turns.
const unusedFor = 7 * 24 * time.Hour

// built is where the program of the present sources is or would be, and whether it is there.
func (p *program) built() (path string, there bool, err error) {
	if p.within {
		return itself, true, nil
	}
	digest, err := digest(p.module)
	if err != nil {
		return "", false, err
	}
	path = filepath.Join(p.bin, programPrefix+digest)
	return path, artifact.Own(p.bin) == nil && use(path), nil
}

// build makes the program, unless one of the same sources is there.
func (p *program) build(ctx context.Context, say func(format string, args ...any)) (path string, err error) {
	path, there, err := p.built()
	if err != nil || there {
		return path, err
	}
	if err := p.ownFolder(); err != nil {
		return "", err
	}
	unlock, err := artifact.Lock(ctx, filepath.Join(p.bin, ".lock"), func() { say("etcd helper: another run builds it") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if use(path) {
		return path, nil // the run that was waited for
	}
	say("etcd helper: building it, once")
	if err := compile(ctx, p.module, path); err != nil {
		return "", err
	}
	return path, removeUnused(p.bin)
}

// ownFolder makes sure that nobody else can put programs into the folder, which this user would run.
func (p *program) ownFolder() error {
	if err := artifact.Folder(p.bin); err != nil {
		return fmt.Errorf("cannot make the folder of the etcd helper: %w", err)
	}
	if err := artifact.Own(p.bin); err != nil {
		return hint.Errorf(fmt.Sprintf("rm -r %q   # what is in it may be of others; it is built again", p.bin), "programs from there are not run: %w", err)
	}
	return nil
}

// use reports whether the program is there, and notes in its modification time that it is used. One that others can have written
// is none: it is built again.
func use(path string) bool {
	if artifact.Own(path) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it may be root's
	return true
}

// removeUnused removes the programs that nobody used for long, and what builds that were killed have left. Who holds the lock
// is the only one that builds. A program that runs goes on without its file, and a run that is about to start it builds it again.
func removeUnused(bin string) error {
	entries, err := os.ReadDir(bin)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		name := entry.Name()
		if err != nil || !programName.MatchString(name) || !strings.HasSuffix(name, unfinished) && time.Since(info.ModTime()) < unusedFor {
			continue
		}
		_ = os.Remove(filepath.Join(bin, name)) // another user's stays
	}
	return nil
}

func compile(ctx context.Context, module, path string) error {
	// the flags of the lab's own etcd, so that both share what is compiled
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path+unfinished, "./"+helperPackage)
	cmd.Dir, cmd.Env = module, append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return hint.Errorf("the first build needs Go and its module proxy", "cannot build the etcd helper: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Chmod(path+unfinished, 0o755); err != nil { // whatever the umask says
		return err
	}
	return os.Rename(path+unfinished, path)
}

// digest is of all that the program is built from: names and contents.
func digest(module string) (string, error) {
	files, err := sources(module)
	if err != nil {
		return "", fmt.Errorf("cannot read the etcd helper's source: %w", err)
	}
	sum := sha256.New()
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(module, file))
		if err != nil {
			return "", fmt.Errorf("cannot read the etcd helper's source: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n", file, len(data))
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// sources are the files that the program is built from, relative to the module's folder: those of the module's own
// packages, for any system, and the two that say the versions of all others. `go list -deps` names the same packages, and
// takes longer than the question may.
func sources(module string) ([]string, error) {
	files, packages := []string{"go.mod", "go.sum"}, []string{helperPackage}
	for i := 0; i < len(packages); i++ {
		own, err := artifact.Matching(filepath.Join(module, packages[i]), "*.go")
		if err != nil {
			return nil, err
		}
		for _, file := range own {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			files = append(files, path.Join(packages[i], filepath.Base(file)))
			imported, err := importsOf(file)
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
func importsOf(file string) (packages []string, err error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, imported := range parsed.Imports {
		name, err := strconv.Unquote(imported.Path.Value)
		if err != nil {
			return nil, err
		}
		if own, is := strings.CutPrefix(name, modulePrefix); is {
			packages = append(packages, own)
		}
	}
	return packages, nil
}
