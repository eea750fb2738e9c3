package guest

import (
	"bufio"
	"encoding/json"
	"io"

	"coreos-libvirt/internal/printable"
)

// JournalChannel is the virtio channel on which Fedora CoreOS writes its journal when Ignition has failed
// (ignition-virtio-dump-journal.service in its initramfs).
const JournalChannel = "com.coreos.ignition.journal"

// entry is one of the journal, as `journalctl -o json` prints it (systemd.journal-fields(7)).
type entry struct {
	Identifier string          `json:"SYSLOG_IDENTIFIER"`
	Priority   string          `json:"PRIORITY"` // "0", emergency, to "7", debug (syslog(3))
	Message    json.RawMessage `json:"MESSAGE"`  // a string; an array of bytes where it is no UTF-8
}

// warning is the highest of the priorities that tell of something wrong.
const warning = "4"

// ReadJournal reads the journal from the channel up to the empty object that ends it, and gives what is
// wrong in it, the latest lines: Ignition's own words or, where it has none, anybody's.
func ReadJournal(channel io.Reader) ([]string, error) {
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
		if e.Identifier == "ignition" {
			ignition = latest(ignition, printable.Line(e.Identifier+": "+text))
		} else {
			others = latest(others, printable.Line(e.Identifier+": "+text))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(ignition) == 0 {
		return others, nil
	}
	return ignition, nil
}

// latest keeps the last lines.
func latest(lines []string, line string) []string {
	const most = 12
	lines = append(lines, line)
	return lines[max(0, len(lines)-most):]
}
