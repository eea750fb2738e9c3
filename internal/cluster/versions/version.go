// Package versions is which versions of etcd a cluster's nodes have and get, and whether those go together.
package versions

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"coreos-libvirt/internal/config/verify/document"
)

// Version is of etcd: v3.6.16.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Line is what all patches of it have in common: 3.6.
func (v Version) Line() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

var form = regexp.MustCompile(`^v?([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,4})`)

// parse takes 3.6.16, v3.6.16 and 3.6.16-rc.1.
func parse(text string) (v Version, ok bool) {
	parts := form.FindStringSubmatch(text)
	if parts == nil {
		return v, false
	}
	v.Major, _ = strconv.Atoi(parts[1])
	v.Minor, _ = strconv.Atoi(parts[2])
	v.Patch, _ = strconv.Atoi(parts[3])
	return v, true
}

// named is where a line of a script or a unit names a version: a container image called etcd, or the variable of Flatcar's etcd-wrapper.
var named = regexp.MustCompile(`(?:/etcd:|\bETCD_IMAGE_TAG=)(v?[0-9]+\.[0-9]+\.[0-9]+)`)

// Of is the version of etcd that an Ignition document brings, if it names one, and no other.
func Of(doc []byte) (v Version, ok bool) {
	d, err := document.Parse(doc)
	if err != nil {
		return v, false
	}
	texts := [][]byte{}
	for _, u := range d.Units {
		texts = append(texts, []byte(u.Contents))
		for _, dropin := range u.Dropins {
			texts = append(texts, []byte(dropin.Contents))
		}
	}
	for _, f := range d.Files {
		texts = append(texts, f.Data)
	}
	return ofTexts(texts)
}

func ofTexts(texts [][]byte) (v Version, ok bool) {
	for _, text := range texts {
		for line := range bytes.Lines(text) {
			if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
				continue
			}
			for _, found := range named.FindAllSubmatch(line, -1) {
				one, _ := parse(string(found[1]))
				if ok && one != v {
					return Version{}, false
				}
				v, ok = one, true
			}
		}
	}
	return v, ok
}
