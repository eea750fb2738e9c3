package symptoms

import (
	"strconv"
	"strings"
	"time"
)

// State is how etcd is on a node, as the node shows it.
type State struct {
	Unit    string   // that runs it
	Active  string   // systemd's ActiveState of it: active, failed
	Process int      // of etcd; 0 if there is none
	Letter  string   // the state of the process (proc_pid_stat(5)): S, T
	Disk    Disk     // that has its data
	Log     []string // the last lines of its journal
	Now     time.Time
}

// Disk is a file system, as df(1) shows it.
type Disk struct {
	At     string // where it is mounted; empty if it is not known
	Free   int64  // bytes that who is not root may use
	Inodes int64  // that are free
	fixed  bool   // it has as many inodes as it was made with
}

// read reads what ask.sh prints: lines that begin with what they are. What is not as it must be is not known.
func read(unit, out string) State {
	s := State{Unit: unit}
	for line := range strings.Lines(out) {
		kind, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		fields := strings.Fields(rest)
		switch {
		case kind == "log":
			s.Log = append(s.Log, rest)
		case kind == "now":
			if seconds, err := strconv.ParseInt(rest, 10, 64); err == nil {
				s.Now = time.Unix(seconds, 0)
			}
		case kind == "show" && strings.HasPrefix(rest, active):
			s.Active = strings.TrimPrefix(rest, active)
		case kind == "process" && len(fields) == 2:
			s.Process, _ = strconv.Atoi(fields[0])
			s.Letter = fields[1]
		default:
			s.Disk.read(kind, fields)
		}
	}
	return s
}

// active begins the line that has systemd's ActiveState.
const active = "ActiveState="

// read takes what a line of df(1) says: file system, all, used, free, percent, where.
func (d *Disk) read(kind string, fields []string) {
	if len(fields) < 6 {
		return
	}
	all, _ := strconv.ParseInt(fields[1], 10, 64)
	free, err := strconv.ParseInt(fields[3], 10, 64)
	switch {
	case err != nil:
	case kind == "space":
		d.Free, d.At = free<<10, fields[5]
	case kind == "inodes":
		d.Inodes, d.fixed = free, all > 0
	}
}

// hasNoRoom reports whether etcd cannot write, or has ended because it could not.
func (s State) hasNoRoom() bool {
	return s.Disk.isFull() || s.Process == 0 && s.wrote("no space left on device")
}

// isFull reports whether etcd cannot write: it takes 64 MB at once for its log, and a page for less.
func (d Disk) isFull() bool {
	return d.At != "" && (d.Free < 1<<20 || d.fixed && d.Inodes == 0)
}

// wrote reports whether one of the log's lines has the words.
func (s State) wrote(words string) bool {
	for _, line := range s.Log {
		if strings.Contains(line, words) {
			return true
		}
	}
	return false
}
