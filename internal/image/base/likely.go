package base

import (
	"context"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/workspace"
)

// Likely is the path of the image that image= stands for, as far as that is known without network and programs; else it is empty. The
// image may not be there.
func Likely(ctx context.Context, o Options) (path string) {
	o.ReadOnly, o.Say = true, func(string, ...any) {}
	name, isStream, err := stream.Parse(o.Image)
	switch {
	case isURL(o.Image):
		if i, err := o.atURL(); err == nil {
			return o.store().Path(i)
		}
		return ""
	case err != nil:
		return ""
	case isStream:
		if i, err := o.lookup(ctx, name); err == nil {
			return o.store().Path(i)
		}
		return ""
	}
	if _, isLab := o.Lab.Images[o.Image]; isLab {
		path, _ = o.Lab.Find(o.Image)
		return path
	}
	if path, err = workspace.Absolute(o.Image); err != nil {
		return ""
	}
	return path
}
