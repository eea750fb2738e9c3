package units

import (
	_ "embed"
	"fmt"
	"strings"
	"time"
)

// Limits of what a node may say: it says what it likes.
const (
	mostLines = 10  // of the journal, of each unit that is not well
	mostUnits = 20  // that are not well and whose lines are read
	longest   = 400 // bytes of a line

	// MostOutput is how many bytes of what Script prints are worth reading.
	MostOutput = 1 << 20
)

// properties are what is asked of a unit (org.freedesktop.systemd1(5)). Times are microseconds of the node's monotonic clock.
var properties = strings.Join([]string{
	"Id", "Names", "LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecMainCode", "ExecMainStatus", "NRestarts", "Type",
	"ConditionResult", "AssertResult", "ConditionTimestampMonotonic", "ActiveEnterTimestampMonotonic", "InactiveEnterTimestampMonotonic",
}, ",")

//go:embed look.sh
var look string

// asReader makes of $as what runs journalctl with the right to read the journal: some groups have it (systemd-journald.service(8)).
const asReader = `case " $(id -nG) " in *" root "* | *" systemd-journal "* | *" adm "* | *" wheel "*) as= ;; *) as='sudo -n' ;; esac`

// Script is what `sh -s` runs in a node, as any user, for Read: it waits until the system has settled, at most so long, and says
// how the units are that the config brings, and which others have failed. If settle is 0 it waits for nothing. mark, a word that
// nobody can guess, begins each part of what it prints.
func Script(brought []Brought, settle time.Duration, mark string) string {
	all, wanted := []string{}, []string{}
	for _, b := range brought {
		if all = append(all, "'"+b.Name+"'"); b.Starts {
			wanted = append(wanted, b.Name)
		}
	}
	return fmt.Sprintf("mark=%s settle=%d properties=%s units=%d lines=%d bytes=%d\nexport wanted=' %s '\nset -f -- %s\n%s\n%s",
		mark, int(settle.Seconds()), properties, mostUnits, mostLines, longest, strings.Join(wanted, " "), strings.Join(all, " "), asReader, look)
}
