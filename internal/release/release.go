// Package release makes the archives of a release: for each architecture one with the program and what it works on, a list of what
// the program is made of, and checksums. Two releases of one commit by the same tools have equal bytes (reproducible-builds.org).
package release

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// program is the name of what is built.
const program = "coreos-libvirt"

// Archs are the architectures that a release is for.
var Archs = []string{"x86_64", "aarch64"}

// shipped are the files and folders of the sources that an archive has beside the program.
var shipped = []string{
	"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "clusters", "docs", "ignition", "templates", "vm/README.md",
}

// Release is one that is to be made.
type Release struct {
	Root    string // the clone
	Version string // v0.1.0
	Folder  string // where the files of the release go
	// Build makes the program for an architecture at the path.
	Build func(arch, path string) error
	// Try asks the program of this machine's architecture for its version, in a folder that an archive was unpacked to.
	Try func(ctx context.Context, program string) (version string, err error)
	Own string // this machine's architecture
}

// Make makes the files of the release. There are none before all are whole and checked.
func (r Release) Make(ctx context.Context) error {
	if err := r.ready(); err != nil {
		return err
	}
	made := filepath.Clean(r.Folder) + ".part"
	if err := os.RemoveAll(made); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(made) }()
	if err := os.MkdirAll(made, 0o755); err != nil {
		return err
	}
	for _, arch := range Archs {
		if err := r.make(ctx, arch, made); err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
	}
	if err := sums(made); err != nil {
		return err
	}
	if err := os.RemoveAll(r.Folder); err != nil {
		return err
	}
	return os.Rename(made, r.Folder)
}

// name is what the files of an architecture are called, without their ending.
func (r Release) name(arch string) string {
	return fmt.Sprintf("%s-%s-linux-%s", program, r.Version, arch)
}

// make makes the archive of an architecture and the list of what its program is made of, and looks into the archive.
func (r Release) make(ctx context.Context, arch, folder string) error {
	built, err := os.MkdirTemp(folder, ".build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(built) }()
	binary := filepath.Join(built, program)
	if err := r.Build(arch, binary); err != nil {
		return err
	}
	at, err := r.commitTime()
	if err != nil {
		return err
	}
	bill, err := billOf(binary, r.Version, at)
	if err != nil {
		return err
	}
	if err := artifact.Write(filepath.Join(folder, r.name(arch)+".cdx.json"), bill, 0o644); err != nil {
		return err
	}
	files, err := r.files(binary)
	if err != nil {
		return err
	}
	packed, err := pack(r.name(arch), files, at)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, r.name(arch)+".tar.gz")
	if err := artifact.Write(path, packed, 0o644); err != nil {
		return err
	}
	return r.check(ctx, arch, path, built)
}

// files are those of the archive: the program, and what git knows of the folders that belong to it.
func (r Release) files(binary string) ([]file, error) {
	listed, err := git(r.Root, append([]string{"ls-files", "-z", "--"}, shipped...)...)
	if err != nil {
		return nil, err
	}
	files := []file{{name: program, path: binary}}
	for name := range strings.SplitSeq(strings.Trim(listed, "\x00"), "\x00") {
		files = append(files, file{name: name, path: filepath.Join(r.Root, name)})
	}
	return files, nil
}

// check unpacks the archive with another program than the one that packed it, and has the program in it say its version, if this
// machine can run it.
func (r Release) check(ctx context.Context, arch, path, folder string) error {
	if out, err := exec.CommandContext(ctx, "tar", "-xzf", path, "-C", folder).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot unpack %s: %w\n%s", filepath.Base(path), err, out)
	}
	if arch != r.Own {
		return nil
	}
	said, err := r.Try(ctx, filepath.Join(folder, r.name(arch), program))
	if err == nil && said != r.Version {
		err = fmt.Errorf("the program in %s is version %q, not %q", filepath.Base(path), said, r.Version)
	}
	return err
}

// sums writes the digests of the files in the folder, as sha256sum -c reads them.
func sums(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	text := strings.Builder{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), entry.Name())
	}
	return artifact.Write(filepath.Join(folder, "SHA256SUMS"), []byte(text.String()), 0o644)
}

// git asks git about the clone.
func git(root string, args ...string) (string, error) {
	var said strings.Builder
	cmd := exec.Command("git", append([]string{"-C", root}, args...)...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", hint.Errorf("a release is made in a clone of the repository", "git %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
