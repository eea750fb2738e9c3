package command

import (
	"context"
	"errors"
	"io/fs"

	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/artifact"
)

// keepTimes keeps what this run saw, if it booted anything. images are the base images by node.
func keepTimes(r *Run, images baseImages) {
	if err := r.times.Keep(r.ws().Timeline(r.Prefix, "json")); err != nil {
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

// Timeline draws what the nodes went through in the last `up` as an SVG beside its data.
func Timeline(_ context.Context, r *Run) error {
	all, err := timeline.Read(r.ws().Timeline(r.Prefix, "json"))
	if r.Format == "json" && err != nil { // for a program there is none
		err = errors.Join(table.JSON(r.out, map[string][]timeline.Moment{}), err)
	}
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return hint.Errorf("`"+upAsCalled(r.Settings)+"` keeps one when it boots nodes", "there is no timeline of the cluster %s: %w", r.Prefix, err)
	}
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return table.JSON(r.out, all)
	}
	drawing, err := timeline.Draw(r.Prefix, all)
	if err != nil {
		return err
	}
	path := r.ws().Timeline(r.Prefix, "svg")
	if err := artifact.Write(path, drawing, 0o644); err != nil {
		return err
	}
	r.log.Say("timeline: %s", r.ws().Relative(path))
	return nil
}
