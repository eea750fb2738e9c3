package command

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"

	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/terminal/column"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/artifact"
)

// keepTimes keeps what this run saw, if it booted anything. images are the base images by node, hosts the nodes' hosts, if there are several.
func keepTimes(r *Run, images baseImages, hosts map[string]string) {
	if err := r.times.Keep(r.ws().Timeline(r.Prefix, "json"), r.Prefix, launch.Release(r.Workspace), hosts); err != nil {
		r.log.Say("timeline: %v", err)
	}
	for image, longest := range r.times.Silences(func(node string) string { return images[node].Path }) {
		if longest == 0 {
			continue
		}
		if err := silenceOf(r, image).Keep(longest); err != nil {
			r.log.Say("how long this image's boot takes is not remembered: %v", err)
		}
	}
}

// Timeline draws what the nodes went through in the last `up`: an SVG, or text for a terminal.
func Timeline(ctx context.Context, r *Run) error {
	t, err := timeline.Read(r.ws().Timeline(r.Prefix, "json"), r.Prefix)
	if r.Format == "json" && err != nil { // for a program there is none
		err = errors.Join(table.JSON(r.out, t), err)
	}
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return hint.Errorf("`"+upAsCalled(r.Settings)+"` keeps one when it boots nodes", "there is no timeline of the cluster %s: %w", r.Prefix, err)
	}
	if err != nil {
		return err
	}
	switch r.Format {
	case "json":
		return table.JSON(r.out, t)
	case "text":
		width, _ := column.Width(os.Stdout)
		return t.Text(r.out, cmp.Or(width, column.Default))
	}
	return drawTimeline(ctx, r, t)
}

// drawTimeline writes the drawing, and with open=true shows it.
func drawTimeline(ctx context.Context, r *Run, t timeline.Timeline) error {
	drawing, err := t.Draw()
	if err != nil {
		return err
	}
	path := cmp.Or(r.File, r.ws().Timeline(r.Prefix, "svg"))
	if err := artifact.Write(path, drawing, 0o644); err != nil {
		return err
	}
	r.log.Say("timeline: %s", r.ws().Relative(path))
	if !r.Open {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "xdg-open", path).CombinedOutput(); err != nil {
		return hint.Errorf("apt-get install xdg-utils   # or open the file in a browser", "cannot show %s: %w%s", r.ws().Relative(path), err, printable.Text(string(out)))
	}
	return nil
}
