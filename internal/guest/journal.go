package guest

import (
	"bufio"
	"encoding/json"
	"io"
	"regexp"

	"coreos-libvirt/internal/terminal/printable"
)

// JournalChannel is the virtio channel on which Fedora CoreOS writes its journal when its initramfs comes to emergency.target
// (ignition-virtio-dump-journal.service), be it for Ignition or for something else.
const JournalChannel = "com.coreos.ignition.journal"

// entry is one of the journal, as `journalctl -o json` prints it (systemd.journal-fields(7)).
type entry struct {
	Identifier string          `json:"SYSLOG_IDENTIFIER"`
	Priority   string          `json:"PRIORITY"` // "0", emergency, to "7", debug (syslog(3))
	Message    json.RawMessage `json:"MESSAGE"`  // a string; an array of bytes where it is not UTF-8
}

// The highest of the priorities that something wrong has, and of what Ignition says when a stage has failed (its Crit).
const (
	warning  = "4"
	critical = "2"
)

// notStarted is systemd's line when one of Ignition's units has failed without a word of its own.
var notStarted = regexp.MustCompile(`(?i)^failed to start .*ignition`)

// Journal is what is wrong in a guest's journal, the latest lines.
type Journal struct {
	Lines    []string
	Ignition bool // whether it was Ignition that failed: the guest writes its journal in every emergency of the initramfs
}

// ReadJournal reads the journal from the channel up to the empty object that ends it. Where Ignition has failed the lines
// are its own; if it has none, and in another emergency, they are the others'.
func ReadJournal(channel io.Reader) (j Journal, err error) {
	var ignition, others []string
	lines := bufio.NewScanner(channel)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "{}" {
			break
		}
		var e entry
		var text string
		if json.Unmarshal(lines.Bytes(), &e) != nil || json.Unmarshal(e.Message, &text) != nil || e.Priority > warning {
			continue
		}
		line := printable.Line(e.Identifier + ": " + text)
		if e.Identifier == "ignition" {
			ignition, j.Ignition = latest(ignition, line), j.Ignition || e.Priority <= critical
		} else {
			others, j.Ignition = latest(others, line), j.Ignition || notStarted.MatchString(text)
		}
	}
	j.Lines = others
	if j.Ignition && len(ignition) > 0 || len(others) == 0 {
		j.Lines = ignition
	}
	return j, lines.Err()
}

// latest keeps the last lines.
func latest(lines []string, line string) []string {
	const most = 12
	lines = append(lines, line)
	return lines[max(0, len(lines)-most):]
}
