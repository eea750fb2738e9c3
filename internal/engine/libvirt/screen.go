//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"fmt"
	"io"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/terminal/hint"
)

// Screen is a picture of what the running domain shows, as libvirt gives it: PNG or, before libvirt 8.6 and QEMU 7.1, PPM.
// The guest chooses its size: more than most bytes are an error.
func (p ports) Screen(ctx context.Context, domain string, most int64) ([]byte, error) {
	ch, err := p.open(ctx, domain, func(dom *libvirt.Domain, stream *libvirt.Stream) error {
		_, err := dom.Screenshot(stream, 0, 0)
		return err
	})
	if err != nil {
		return nil, hint.Errorf("a node that does not run has none, nor has one whose definition has no <video> (https://libvirt.org/formatdomain.html#video-devices)",
			"libvirt takes no picture of the screen: %w", err)
	}
	defer ch.Close()
	picture, err := io.ReadAll(io.LimitReader(ch, most+1))
	if err == nil && int64(len(picture)) > most {
		err = fmt.Errorf("it has more than %d MiB", most>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("the picture of the screen does not come: %w", err)
	}
	return picture, nil
}
