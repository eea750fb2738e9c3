package artifact

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Holder names a process that has the lock file at path locked, if that can be found out: the kernel lists all locks (proc(5),
// /proc/locks).
func Holder(path string) string { return Process(holderPID(path)) }

// Process names the process, with its command line, if there is one. Words of that which may be secrets are left out.
func Process(pid string) string {
	line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if pid == "" || err != nil {
		return "another run"
	}
	argv := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
	argv[0] = filepath.Base(argv[0])
	for i, word := range argv {
		argv[i] = masked(word)
	}
	return fmt.Sprintf("process %s (%s)", pid, strings.Join(argv, " "))
}

// holderPID is the process of the first lock on the file; empty if none is listed.
func holderPID(path string) string {
	var file unix.Stat_t
	if unix.Stat(path, &file) != nil {
		return ""
	}
	list, _ := os.ReadFile("/proc/locks")
	for line := range strings.Lines(string(list)) { // "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; "->" of one that waits
		fields := strings.Fields(line)
		if len(fields) > 5 && !slices.Contains(fields, "->") && strings.HasSuffix(fields[5], fmt.Sprintf(":%d", file.Ino)) &&
			strings.HasPrefix(fields[5], fmt.Sprintf("%02x:%02x:", unix.Major(file.Dev), unix.Minor(file.Dev))) {
			return fields[4]
		}
	}
	return ""
}

// masked is a word of a command line without what others should not read: a password, or a value of the user's own.
func masked(word string) string {
	key, value, is := strings.Cut(word, "=")
	if is && value != "" && (key == "discovery_user" || key == "etcd_user" || key == "cmd" || strings.HasPrefix(key, "var.")) {
		return key + "=…"
	}
	return word
}
