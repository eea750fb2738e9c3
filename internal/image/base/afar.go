package base

import (
	"context"

	"coreos-libvirt/internal/image/afar"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
)

// isAfar reports whether the image is for other hosts to fetch. One that is here already is used.
func (o Options) isAfar(i stream.Image) bool { return o.Afar && !o.store().Has(i) }

// has reports whether nobody need be asked what the image is: it is here, or it is known what the hosts have.
func (o Options) has(i stream.Image) bool {
	return o.store().Has(i) || o.Afar && i.OS != "" && o.known(i).Same(i)
}

// known is what is noted of an image that hosts have.
func (o Options) known(i stream.Image) stream.Image {
	known, _ := afar.Load(o.store().Path(i))
	return known.Image
}

// OverlaySize is how many GiB an overlay on the image has, as qcow2.OverlaySize.
func (i Image) OverlaySize(ctx context.Context, wanted int) (int, error) {
	if !i.Afar {
		return qcow2.OverlaySize(ctx, i.Path, wanted)
	}
	known, is := afar.Load(i.Path)
	if !is {
		return 0, hint.Errorf("fetch=client fetches it here, too", "no host has said what the image %s is", i.Path)
	}
	return qcow2.SizeOn(i.Path, known.Virtual, wanted)
}

// Known reports whether OverlaySize knows the image.
func (i Image) Known() bool {
	_, is := afar.Load(i.Path)
	return is || !i.Afar
}

// SeeAfar notes what a host has fetched as the image. If image= names a stream, its signature must not be older than one that was seen.
func (o Options) SeeAfar(path string, fetched afar.Image) error {
	name, isStream, err := stream.Parse(o.Image)
	if err == nil && isStream && name.Version == "" {
		err = o.store().SeeRecord(o.source(false).Key(name, o.Arch), fetched.Record)
	}
	if err != nil {
		return err
	}
	return afar.Keep(path, fetched)
}
