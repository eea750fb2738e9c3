package engine

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Further is what a node's machine has beside its first disk and its first network card.
type Further struct {
	Disks []FurtherDisk
	Cards []Card
}

// FurtherDisk is a disk beside the one that a node boots from.
type FurtherDisk struct {
	Name string // its serial number
	GiB  int
	File string // its path, as the engine sees it; empty if that is of no matter
}

// Card is a network card beside the first.
type Card struct {
	MAC string
	Link
}

// none is the text of no disk and of no card. An empty one says that nothing is known.
const none = "none"

// DisksText is the disks as a mark has them: data:50,log:20, or none.
func DisksText(disks []FurtherDisk) string {
	words := make([]string, len(disks))
	for i, d := range disks {
		words[i] = d.Name + ":" + strconv.Itoa(d.GiB)
	}
	return textOf(words)
}

// DisksOf reads what DisksText wrote. What is not of that kind is left out.
func DisksOf(text string) (disks []FurtherDisk) {
	for _, word := range wordsOf(text) {
		name, size, _ := strings.Cut(word, ":")
		if gib, err := strconv.Atoi(size); err == nil {
			disks = append(disks, FurtherDisk{Name: name, GiB: gib})
		}
	}
	return disks
}

// LinksText is what further cards are plugged into, as a mark has it: bridge:br1,network:default, or none.
func LinksText(links []Link) string {
	words := make([]string, len(links))
	for i, l := range links {
		words[i] = l.kind() + ":" + l.String()
	}
	return textOf(words)
}

// LinksOf reads what LinksText wrote.
func LinksOf(text string) (links []Link) {
	for _, word := range wordsOf(text) {
		kind, name, _ := strings.Cut(word, ":")
		links = append(links, LinkTo(kind, name))
	}
	return links
}

// LinkTo is the link to the bridge, network or card of that name.
func LinkTo(kind, name string) Link {
	switch kind {
	case "network":
		return Link{Network: name}
	case "direct":
		return Link{Direct: name}
	}
	return Link{Bridge: name}
}

func (l Link) kind() string {
	switch {
	case l.Direct != "":
		return "direct"
	case l.Network != "":
		return "network"
	}
	return "bridge"
}

func textOf(words []string) string {
	if len(words) == 0 {
		return none
	}
	return strings.Join(words, ",")
}

func wordsOf(text string) []string {
	if text == "" || text == none {
		return nil
	}
	return strings.Split(text, ",")
}

// Further is the path of the node's further disk of that name, beside its first one.
func (f Files) Further(name string) string {
	dir, first := filepath.Split(f.Overlay)
	return filepath.Join(dir, strings.TrimSuffix(first, DiskEnding)+furtherMark+name+DiskEnding)
}

// FurtherName is the name of the further disk that has the path; empty if it is none of the node's.
func (f Files) FurtherName(path string) string {
	begin := strings.TrimSuffix(f.Overlay, DiskEnding) + furtherMark
	name, is := strings.CutPrefix(path, begin)
	name, ends := strings.CutSuffix(name, DiskEnding)
	if !is || !ends || strings.ContainsRune(name, filepath.Separator) {
		return ""
	}
	return name
}

// Disk is the path, if it is that of the node's disk, or of a further one of it; else empty.
func (f Files) Disk(path string) string {
	if path = filepath.Clean(path); path == f.Overlay || f.FurtherName(path) != "" {
		return path
	}
	return ""
}

// How the files of disks are named: core01.qcow2, core01-data.qcow2.
const (
	DiskEnding  = ".qcow2"
	furtherMark = "-"
)

// Node is the name of the node whose files they are.
func (f Files) Node() string { return strings.TrimSuffix(filepath.Base(f.Overlay), DiskEnding) }
