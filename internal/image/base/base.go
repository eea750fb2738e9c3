// Package base is the way from image= to the base image that nodes boot.
package base

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/image/afar"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/workspace"
)

// Image is a base image, and what is known of it.
type Image struct {
	stream.Image
	Path     string // absolute
	Identity string // size and time of a file of the user's own, empty for all others
	Afar     bool   // it is not here: hosts elsewhere fetch it
}

// IdentityOf is the size and time of the file as they are now.
func IdentityOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return identity(info), nil
}

func identity(info fs.FileInfo) string {
	return fmt.Sprintf("%d bytes of %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
}

// At is the image at the path. Its record in the store says what it is, if there is one.
func At(o Options, path string) Image {
	i := Image{Path: path}
	if known, is := afar.Load(path); is && !workspace.Exists(path) {
		return Image{Path: path, Image: known.Image, Afar: true}
	}
	if o.inStore(path) {
		if record, err := o.store().RecordAt(path); err == nil {
			i.Image = record.Image
		}
	}
	if lab, is := o.Lab.Images[o.Lab.NameOf(path)]; is {
		i.Image = lab
	}
	return i
}

// System is the system on the image, "flatcar" or "fcos", as its record or else its file's name says. It is empty if
// neither says so.
func (i Image) System() string {
	name := strings.ToLower(filepath.Base(i.Path))
	switch {
	case i.OS != "":
		return i.OS
	case strings.Contains(name, "flatcar"):
		return "flatcar"
	case strings.Contains(name, "fedora-coreos") || strings.Contains(name, "fcos"):
		return "fcos"
	}
	return ""
}

// SystemOf is the system that image= names, as far as its text says, before there is an image.
func SystemOf(text string) string {
	name, _, _ := stream.Parse(text)
	return Image{Path: text, Image: stream.Image{OS: name.OS}}.System()
}

// IsRemote reports whether the image comes from the network, unless it is in the store.
func IsRemote(text string) bool {
	_, isStream, _ := stream.Parse(text)
	return isStream || isURL(text)
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}
