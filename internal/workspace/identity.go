package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// identityName is the name in vm/ of the file that says which workspace this is.
const identityName = ".workspace"

// identity is what makes a workspace the same one wherever its folder is moved.
type identity struct {
	ID     string `json:"id"`     // random
	Origin string `json:"origin"` // the path from which the nodes' UUIDs are made
}

// At is the workspace in a folder, whatever path leads there. It has no ID until a run keeps one.
func At(folder string) (Workspace, error) {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return Workspace{}, fmt.Errorf("cannot find the workspace: %w", err)
	}
	w := Workspace{Root: root}
	known, err := identityOf(w)
	w.ID, w.Origin = known.ID, known.Origin
	return w, err
}

// identityOf is what vm/ says; without values if it says nothing yet.
func identityOf(w Workspace) (known identity, err error) {
	path := w.VM(identityName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 { // a run ended before it had written it
		return known, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err == nil && (uuid.Validate(known.ID) != nil || !filepath.IsAbs(known.Origin)) {
		err = errors.New("it has no id and origin")
	}
	if err != nil {
		return known, hint.Errorf("the domains of this workspace have both in their metadata: virsh dumpxml <domain>",
			"cannot find out which workspace this is: %s: %w", w.Relative(path), err)
	}
	return known, nil
}

// KeepID notes in vm/ which workspace this is, if that is not noted yet.
func (w Workspace) KeepID(ctx context.Context) error {
	if w.ID != "" {
		return nil
	}
	path := w.VM(identityName)
	unlock, err := artifact.Lock(ctx, path, func() {})
	if err != nil {
		return err
	}
	defer unlock()
	if known, err := identityOf(w); err != nil || known.ID != "" { // another run was faster
		return err
	}
	text, err := json.Marshal(identity{ID: uuid.NewString(), Origin: w.origin()})
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	return err
}

// origin is the path from which the nodes' UUIDs are made: where the workspace was when it got its ID.
func (w Workspace) origin() string { return cmp.Or(w.Origin, w.Root) }

// Owners are what the mark of a node's domain may name as its owner, before and after it is defined again: the workspace's ID,
// its path, and the path that is in the mark have now; nil if there is no domain.
func (w Workspace) Owners(have *engine.Metadata) []string {
	owners := []string{w.Root}
	if w.ID != "" {
		owners = append(owners, w.ID)
	}
	if have != nil {
		owners = append(owners, have.Workspace)
	}
	return owners
}

// Absolute is the path from the current folder, without the links that lead to that: it is kept, and the links may go.
func Absolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	here, err := os.Getwd() // by the way that the shell says
	return filepath.Join(resolve(here), path), err
}

// resolve is the path without symbolic links, or the same if nothing is there.
func resolve(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	return path
}

// command is the shell command that writes the file.
func (i identity) command() string {
	text, _ := json.Marshal(i)
	return "echo '" + string(text) + "' >vm/" + identityName
}
