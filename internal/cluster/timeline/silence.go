package timeline

import (
	"encoding/json"
	"os"
	"strings"
	"time"

	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Flatcar's serial console has the kernel's lines and none of Ignition's: between them and the system's first line it is
// silent, also if all goes well. How long that takes is known from the image's earlier boots on this host.
const (
	timesEarlierSilence = 3                // a silence of that many times the earlier one is too long
	leastSilenceLimit   = 30 * time.Second // no shorter silence is too long
	newImageSilence     = 3 * time.Minute  // too long for an image that was never ready here; Flatcar's emergency shell reboots after 5
	keptOfEarlier       = 0.75             // part of the earlier silence that is kept if a boot is quicker: the next config may be slow again
)

// Silence is how long the consoles of an image are silent in its first boots on this host. A file remembers it.
type Silence struct {
	File       string // beside the images: of every image, in seconds
	Image      string // path
	DomainType string // kvm or qemu: an emulated guest is slower by far
}

// key is the name of the image in the file.
func (s Silence) key() string { return s.DomainType + " " + s.Image }

// earlier is what the file says of all images; nothing if there is no file, or if it cannot be read.
func (s Silence) earlier() map[string]float64 {
	var all map[string]float64
	text, err := os.ReadFile(s.File)
	if err != nil || json.Unmarshal(text, &all) != nil || all == nil {
		return map[string]float64{}
	}
	return all
}

// Limit is how long the console may be silent while Ignition may be at work.
func (s Silence) Limit() time.Duration {
	seconds, known := s.earlier()[s.key()]
	if !known {
		return newImageSilence
	}
	return max(timesEarlierSilence*time.Duration(seconds*float64(time.Second)), leastSilenceLimit)
}

// Keep remembers how long the image's consoles were silent at most. Images that are gone are forgotten.
func (s Silence) Keep(longest time.Duration) error {
	all := s.earlier()
	for key := range all {
		if _, path, _ := strings.Cut(key, " "); !workspace.Exists(path) {
			delete(all, key)
		}
	}
	all[s.key()] = max(longest.Seconds(), keptOfEarlier*all[s.key()])
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return artifact.Write(s.File, text, 0o644)
}
