package kola

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// What files mean by their names.
const (
	dataName = "data"
	metaName = "kola.json"
	onlyName = "test.sh" // alone in its folder, a test has the folder's name
)

// usual is what names of folders and executables are made of: they become parts of paths and of a unit.
var usual = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$`)

// Find are the tests below the folder, by name. show gives a path as people know it.
func Find(root string, show func(path string) string) ([]Test, error) {
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	f := &finder{show: show}
	f.folder(root, nil)
	slices.SortFunc(f.tests, func(a, b Test) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(f.tests); i++ {
		if a, b := f.tests[i-1], f.tests[i]; a.Name == b.Name {
			f.wrong = append(f.wrong, hint.Errorf("rename one of the two", "%s and %s are both the test %s", show(a.Exe), show(b.Exe), a.Name))
		}
	}
	return f.tests, errors.Join(f.wrong...)
}

// finder goes through the folders of tests.
type finder struct {
	show  func(string) string
	tests []Test
	wrong []error
}

// inside is what a folder has.
type inside struct {
	executables []string
	folders     []string
	data        string
	meta        Meta
	notes       []string
}

// folder adds the tests of a folder, and of those in it. names are those of the folders that it is in, and its own.
func (f *finder) folder(path string, names []string) {
	has, err := f.look(path)
	if err != nil {
		f.wrong = append(f.wrong, err)
		return
	}
	for _, exe := range has.executables {
		f.test(exe, nameOf(names, filepath.Base(exe), len(has.executables) == 1), has)
	}
	for _, sub := range has.folders {
		f.folder(sub, append(slices.Clip(names), filepath.Base(sub)))
	}
}

// nameOf is the test's name.
func nameOf(folders []string, exe string, alone bool) string {
	if !alone || exe != onlyName || len(folders) == 0 {
		folders = append(slices.Clip(folders), exe)
	}
	return strings.Join(folders, ".")
}

func (f *finder) look(path string) (has inside, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return has, err
	}
	for _, entry := range entries {
		whole := filepath.Join(path, entry.Name())
		info, err := os.Stat(whole) // what a link leads to
		if err != nil {
			return has, fmt.Errorf("%s: %w", f.show(whole), withoutPath(err))
		}
		if err := f.entry(whole, entry.Type()&fs.ModeSymlink != 0, info, &has); err != nil {
			return has, err
		}
	}
	return has, nil
}

// withoutPath is the error without the path, which the message has before it.
func withoutPath(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// entry notes what something in a folder is.
func (f *finder) entry(path string, link bool, info fs.FileInfo, has *inside) error {
	switch {
	case strings.HasPrefix(filepath.Base(path), "."): // an editor's, or Git's
		return nil
	case info.IsDir():
		return f.subfolder(path, link, has)
	case info.Mode().IsRegular():
		return f.file(path, info.Mode().Perm()&0o111 != 0, has)
	}
	return nil
}

func (f *finder) subfolder(path string, link bool, has *inside) error {
	switch {
	case filepath.Base(path) == dataName:
		has.data = path
	case link:
		has.notes = append(has.notes, f.show(path)+": a symbolic link to a folder is not followed")
	default:
		has.folders = append(has.folders, path)
		return f.named(path)
	}
	return nil
}

func (f *finder) file(path string, runs bool, has *inside) error {
	switch name := filepath.Base(path); {
	case runs:
		has.executables = append(has.executables, path)
		return f.named(path)
	case name == metaName:
		return f.metaFile(path, has)
	case name == "config.bu" || name == "config.ign":
		has.notes = append(has.notes, name+" has no effect here: "+byDocument)
	case begins(path, "#!"):
		has.notes = append(has.notes, f.show(path)+" is not a test: it cannot be executed (chmod +x)")
	}
	return nil
}

// named refuses a name that no test can have.
func (f *finder) named(path string) error {
	if name := filepath.Base(path); !usual.MatchString(name) {
		return hint.Errorf("use letters, digits and _ . @ + - in names of tests", "%s: %q cannot be the name of a test", f.show(path), name)
	}
	return nil
}

func (f *finder) metaFile(path string, has *inside) error {
	source, err := head(path, 1<<20)
	if err != nil {
		return err
	}
	meta, notes, err := folder(f.show(path), source)
	has.meta, has.notes = meta, append(has.notes, notes...)
	return err
}

// test adds a test. What its own file says of it counts in place of kola.json.
func (f *finder) test(exe, name string, has inside) {
	source, err := head(exe, looked)
	if err == nil {
		t := Test{Name: name, Exe: exe, Data: has.data, Meta: has.meta, Notes: has.notes}
		meta, notes, says, failed := own(f.show(exe), source)
		if says {
			t.Meta, t.Notes = meta, slices.Concat(has.notes, notes)
		}
		f.tests, err = append(f.tests, t), failed
	}
	if err != nil {
		f.wrong = append(f.wrong, err)
	}
}

// head is the beginning of a file.
func head(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, most))
}

func begins(path, with string) bool {
	source, err := head(path, int64(len(with)))
	return err == nil && string(source) == with
}
