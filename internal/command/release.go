package command

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/launch/launcher"
	"coreos-libvirt/internal/release"
)

// Release makes the archives of the release version= in dist/.
func Release(ctx context.Context, r *Run) error {
	if err := release.CheckVersion(r.Release); err != nil {
		return err
	}
	if err := needsGo("the program"); err != nil {
		return err
	}
	folder := filepath.Join(r.Workspace, "dist", r.Release)
	err := release.Release{
		Root: r.Workspace, Version: r.Release, Folder: folder, Try: versionOf,
		Own: release.Archs[max(0, slices.IndexFunc(release.Archs, launcher.IsOwn))],
		Build: func(arch, path string) error {
			r.log.Say("release: building for %s", arch)
			return launcher.Build(r.Workspace, r.Release, arch, path)
		},
	}.Make(ctx)
	if err != nil {
		return err
	}
	r.log.Say("release: %s", r.ws().Relative(folder))
	r.log.Say("next: git tag -a %s -m %[1]s && git push origin %[1]s", r.Release)
	return nil
}

// versionOf is what a program of `mage build` says of itself in its own folder.
func versionOf(ctx context.Context, program string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "version", "format=json")
	cmd.Dir = filepath.Dir(program)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", filepath.Base(program), err)
	}
	var said launch.Version
	err = json.Unmarshal(out, &said)
	return said.Version, err
}
