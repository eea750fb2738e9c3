package stage

import (
	"context"
	"time"

	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
)

const (
	aDay   = 24 * time.Hour // how long is believed what a stream was looked up as
	anHour = time.Hour      // how long a server that did not answer is not asked again
)

// lookup tells what image the name stands for: a version that is in the store, what the stream was
// looked up as within a day, or what the distributor says now. Where that does not answer an image in the
// store serves.
func (r *Run) lookup(ctx context.Context, name stream.Name) (stream.Image, error) {
	if name.Version != "" {
		return r.named(ctx, name)
	}
	memory := r.images().Remembered(r.source(false).Key(name, r.Arch))
	spare, have := r.spare(name, memory)
	switch {
	case !r.Refresh && time.Since(memory.Asked) < aDay && r.images().Has(memory.Image):
		return memory.Image, nil
	case r.readOnly:
		return r.unasked(name, memory.Image, spare), nil
	case have && !r.Refresh && time.Since(memory.Failed) < anHour:
		r.log.Say("image: %s serves; %s did not answer at %s (hint: refresh=true asks again)", spare.Version, name, memory.Failed.Local().Format("15:04"))
		return spare, nil
	}
	i, err := r.ask(ctx, name, r.Arch, have)
	if err == nil || !have || ctx.Err() != nil {
		return i, hint.Add(err, "image=/path/to/image.qcow2 uses a file that you have")
	}
	r.log.Say("image: could not look for one newer than %s: %s", spare.Version, firstLine(err))
	return spare, nil
}

// spare is an image in the store that serves where the distributor does not answer: what the stream last was,
// else the newest that there is.
func (r *Run) spare(name stream.Name, memory store.Memory) (stream.Image, bool) {
	if r.images().Has(memory.Image) {
		return memory.Image, true
	}
	return r.images().Newest(name, r.Arch, "")
}

// named is the version: in the store it is what it is for ever.
func (r *Run) named(ctx context.Context, name stream.Name) (stream.Image, error) {
	if record, ok := r.images().Version(name, r.Arch); ok {
		return record, nil
	}
	if r.readOnly {
		return stream.Image{Name: name.String(), OS: name.OS, Version: name.Version, Arch: r.Arch}, nil
	}
	i, err := r.source(false).Lookup(ctx, name, r.Arch)
	r.unsure(i)
	return i, hint.Add(err, "image=/path/to/image.qcow2 uses a file that you have")
}

// unasked is the best guess at what the stream is at without the network: what it last said, or what there is.
func (r *Run) unasked(name stream.Name, said, there stream.Image) stream.Image {
	switch {
	case said.Version != "":
		return said
	case there.Version != "":
		return there
	}
	return stream.Image{Name: name.String(), OS: name.OS, Version: "newest", Arch: r.Arch}
}

// ask asks the distributor what a stream is at, and remembers that, or that there was no answer. Where the
// answer is not needed it asks but once.
func (r *Run) ask(ctx context.Context, name stream.Name, arch string, once bool) (stream.Image, error) {
	source := r.source(once)
	key := source.Key(name, arch)
	i, err := source.Lookup(ctx, name, arch)
	if ctx.Err() != nil {
		return i, err
	}
	if err != nil {
		memory := r.images().Remembered(key)
		memory.Failed = time.Now()
		if failed := r.images().Remember(key, memory); failed != nil {
			r.log.Say("image: %s", firstLine(failed))
		}
		return i, err
	}
	r.log.Say("image: %s is at %s", name, i.Version)
	if r.unsure(i) {
		return i, nil // and is asked again next time
	}
	return i, r.images().Remember(key, store.Memory{Image: i, Asked: time.Now()})
}

// unsure says so where the image does not tell what its Ignition is.
func (r *Run) unsure(i stream.Image) bool {
	if i.Unsure == "" {
		return false
	}
	what := "it is taken for " + i.Ignition
	if i.Ignition == "" {
		what = "the config is not checked against it"
	}
	r.log.Say("image: the version of Ignition in %s is not known, %s: %s", i.Version, what, i.Unsure)
	return true
}

// source is where streams are looked up.
func (r *Run) source(once bool) stream.Source {
	client := r.client()
	if once {
		client.Tries = 0
	}
	return stream.Source{FCOS: r.FCOSServer, Flatcar: r.FlatcarServer, Get: client.Document}
}
