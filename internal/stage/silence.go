package stage

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
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

// silentFor notes that the node's console was silent for so long in its first boot.
func (t *times) silentFor(node cluster.Node, d time.Duration) {
	if !exists(node.Fresh()) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.silent == nil {
		t.silent = map[string]time.Duration{}
	}
	t.silent[node.Name] = max(t.silent[node.Name], d)
}

// longestSilence is that of the nodes that became ready, 0 where none did.
func (t *times) longestSilence() (longest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for node, d := range t.silent {
		if slices.ContainsFunc(t.all[node], func(m moment) bool { return m.Phase == "ready" }) {
			longest = max(longest, d)
		}
	}
	return longest
}

// keepSilence keeps for the image how long the nodes' consoles were silent in this run. Images that are gone are forgotten.
func (r *Run) keepSilence() {
	longest := r.times.longestSilence()
	if longest == 0 {
		return
	}
	all := r.silences()
	for key := range all {
		if _, path, _ := strings.Cut(key, " "); !exists(path) {
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
