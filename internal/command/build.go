package command

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/command/completion"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/launch/launcher"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
)

// Build makes the program coreos-libvirt, or file=, that runs all targets where Go is not installed, of the architecture arch=.
func Build(_ context.Context, r *Run) error {
	name := completion.Program
	if !launcher.IsOwn(r.Arch) {
		name += "-" + r.Arch
	}
	path, err := filepath.Abs(cmp.Or(r.File, name))
	if err != nil {
		return err
	}
	if err := needsGo("the program"); err != nil {
		return err
	}
	if err := launcher.Build(r.Workspace, launch.Release(r.Workspace), r.Arch, path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.log.Say("build: %s, %s", r.ws().Relative(path), progress.Bytes(info.Size()))
	return nil
}

// libraryVersion is a version as libvirt's virGetVersion has it, in words; empty for 0.
func libraryVersion(n uint) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1_000%1_000, n%1_000)
}

// Version prints what this program was made of, and the libvirt that it finds.
func Version(_ context.Context, r *Run) error {
	v := struct {
		launch.Version
		Libvirt string `json:"libvirt"` // of the library on this host; empty if there is none
	}{launch.Versions(r.Workspace), libraryVersion(libvirt.Library())}
	if r.Format == "json" {
		return table.JSON(r.out, v)
	}
	_, err := fmt.Fprintf(r.log.Writer(), "coreos-libvirt %s, commit %s, %s, %s\nlibvirt %s, binding %s\n",
		cmp.Or(v.Version.Version, "of an unknown version"), cmp.Or(v.Commit, "not known"), v.Go, v.System, cmp.Or(v.Libvirt, "is missing"), table.Dash(v.Binding))
	return err
}
