package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Flatcar's serial console has the kernel's lines and none of Ignition's: between both it is silent, also where all goes
// well. How long that takes is known from the image's boots on this host.
const (
	timesSilent  = 3                // as long as before is too long
	leastSilence = 30 * time.Second // is never too long
	forgets      = 0.75             // of what it took before, where a boot is quicker: another config may take longer again
	firstSilence = 3 * time.Minute  // of an image that has never been ready here; Flatcar's emergency shell boots again after 5
)

// silencesFile is beside the images: how long each image's console was silent in its first boots, in seconds.
func (r *Run) silencesFile() string { return filepath.Join(r.Store, "silences.json") }

// silences are what the file has, by image; none where there is no file, or another's.
func (r *Run) silences() map[string]float64 {
	all := map[string]float64{}
	if text, err := os.ReadFile(r.silencesFile()); err == nil {
		_ = json.Unmarshal(text, &all)
	}
	return all
}

// silenceKey is the image and what it is run by: an emulated guest is slower by far.
func (r *Run) silenceKey() string {
	kind := ""
	if conn, err := r.libvirt(); err == nil {
		kind = r.domainType(conn)
	}
	return kind + " " + r.base.Path
}

// tooSilent is how long the console may be silent while Ignition may be at work.
func (r *Run) tooSilent() time.Duration {
	before, known := r.silences()[r.silenceKey()]
	if !known {
		return firstSilence
	}
	return max(timesSilent*time.Duration(before*float64(time.Second)), leastSilence)
}

// keepSilence keeps for the image how long the nodes' consoles were silent in this run. Images that are gone are forgotten.
func (r *Run) keepSilence() {
	longest := r.times.LongestSilence()
	if longest == 0 {
		return
	}
	all := r.silences()
	for key := range all {
		if _, path, _ := strings.Cut(key, " "); !workspace.Exists(path) {
			delete(all, key)
		}
	}
	all[r.silenceKey()] = max(longest.Seconds(), forgets*all[r.silenceKey()])
	text, err := json.Marshal(all)
	if err == nil {
		err = artifact.Write(r.silencesFile(), text, 0o644)
	}
	if err != nil {
		r.log.Say("how long this image's boot takes is not remembered: %v", err)
	}
}
