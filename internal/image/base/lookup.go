package base

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
)

const (
	aDay   = 24 * time.Hour // how long is believed what a stream was looked up as
	anHour = time.Hour      // how long a server that did not answer is not asked again
)

// lookup tells what image the name stands for: a version that is in the store, what the stream was
// looked up as within a day, or what the distributor says now. If it does not answer, an image in the
// store is used.
func (o Options) lookup(ctx context.Context, name stream.Name) (stream.Image, error) {
	if name.Version != "" {
		return o.named(ctx, name)
	}
	memory := o.store().Remembered(o.source(false).Key(name, o.Arch))
	spare, have := o.spare(name, memory)
	switch {
	case !o.Refresh && time.Since(memory.Asked) < aDay && o.has(memory.Image):
		return memory.Image, nil
	case o.ReadOnly:
		return o.unasked(name, memory.Image, spare), nil
	case have && !o.Refresh && time.Since(memory.Failed) < anHour:
		o.Say("image: %s serves; %s did not answer at %s (hint: refresh=true asks again)", spare.Version, name, memory.Failed.Local().Format("15:04"))
		return spare, nil
	}
	i, err := o.ask(ctx, name, o.Arch, have)
	if err == nil || !have || ctx.Err() != nil {
		return i, hint.Add(err, "image=/path/to/image.qcow2 uses a file that you have")
	}
	o.Say("image: could not look for one newer than %s: %s", spare.Version, hint.FirstLine(err))
	return spare, nil
}

// spare is an image in the store that is used if the distributor does not answer: what the stream last was,
// else the newest that there is.
func (o Options) spare(name stream.Name, memory store.Memory) (stream.Image, bool) {
	if o.has(memory.Image) {
		return memory.Image, true
	}
	return o.store().Newest(name, o.Arch, "")
}

// named is the version that image= names. Once it is in the store nobody is asked.
func (o Options) named(ctx context.Context, name stream.Name) (stream.Image, error) {
	if record, ok := o.store().Version(name, o.Arch); ok {
		return record, nil
	}
	if i := o.known(stream.Image{OS: name.OS, Version: name.Version, Arch: o.Arch}); o.Afar && i.Version == name.Version {
		return i, nil
	}
	if o.ReadOnly {
		return stream.Image{Name: name.String(), OS: name.OS, Version: name.Version, Arch: o.Arch}, nil
	}
	o.unauthenticated(name)
	i, err := o.source(false).Lookup(ctx, name, o.Arch)
	o.unsure(i)
	return i, hint.Add(err, "image=/path/to/image.qcow2 uses a file that you have")
}

// unasked is the best guess at what the stream is at without the network: what it last said, or what there is.
func (o Options) unasked(name stream.Name, said, there stream.Image) stream.Image {
	switch {
	case said.Version != "":
		return said
	case there.Version != "":
		return there
	}
	return stream.Image{Name: name.String(), OS: name.OS, Version: "newest", Arch: o.Arch}
}

// Latest is the version that the stream is at, looked up once a day at most. With an error it is the one that was known.
func Latest(ctx context.Context, o Options, name stream.Name, arch string) (version string, err error) {
	memory := o.store().Remembered(o.source(true).Key(name, arch))
	if !o.Refresh && (time.Since(memory.Asked) < aDay || time.Since(memory.Failed) < anHour) {
		return memory.Version, nil
	}
	i, err := o.ask(ctx, name, arch, true)
	if err != nil {
		return memory.Version, err
	}
	return i.Version, nil
}

// ask asks the distributor what a stream is at, and remembers the answer, or that there was none. With once it does not
// try again.
func (o Options) ask(ctx context.Context, name stream.Name, arch string, once bool) (stream.Image, error) {
	o.unauthenticated(name)
	source := o.source(once)
	key := source.Key(name, arch)
	i, err := source.Lookup(ctx, name, arch)
	if ctx.Err() != nil {
		return i, err
	}
	if err != nil {
		memory := o.store().Remembered(key)
		memory.Failed = time.Now()
		if failed := o.store().Remember(key, memory); failed != nil {
			o.Say("image: %s", hint.FirstLine(failed))
		}
		return i, err
	}
	before := o.store().Remembered(key)
	o.Say("image: %s is at %s%s", name, i.Version, fallen(before, i.Version))
	if o.unsure(i) {
		return i, nil // and is asked again next time
	}
	return i, o.store().Remember(key, store.Memory{Image: i, Seen: before.Seen, Asked: time.Now()})
}

// fallen is a warning if the stream was at a newer version before.
func fallen(before store.Memory, version string) string {
	if before.Version == "" || !stream.Newer(before.Version, version) {
		return ""
	}
	return fmt.Sprintf("; warning: it was at %s, a newer one, when it was asked %s: the distributor has taken that back, or somebody serves an old one",
		before.Version, before.Asked.Local().Format("2006-01-02 15:04"))
}

// unauthenticated warns of a server whose answers anybody on the way can change.
func (o Options) unauthenticated(name stream.Name) {
	server := o.FCOSServer
	if name.OS == "flatcar" {
		server = o.FlatcarServer
	}
	if strings.HasPrefix(server, "http:") {
		o.Say("warning: image: %s is not authenticated: who is on the way to it can serve an old image, or none; what is signed is checked all the same (hint: https://)", download.Public(server))
	}
}

// unsure reports whether the version of the image's Ignition is not known, and says so.
func (o Options) unsure(i stream.Image) bool {
	if i.Unsure == "" {
		return false
	}
	what := "it is taken for " + i.Ignition
	if i.Ignition == "" {
		what = "the config is not checked against it"
	}
	o.Say("image: the version of Ignition in %s is not known, %s: %s", i.Version, what, i.Unsure)
	return true
}

// source is where streams are looked up.
func (o Options) source(once bool) stream.Source {
	client := o.client()
	if once {
		client.Tries = 0
	}
	return stream.Source{FCOS: o.FCOSServer, Flatcar: o.FlatcarServer, Get: client.Document}
}
