package etcdunit

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// mount is a line of mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	device string // 253:4
	root   string // what of the device's file system is mounted
	at     string
}

var escaped = regexp.MustCompile(`\\[0-7]{3}`)

// mountsOf reads the lines, and leaves those out that are none.
func mountsOf(lines []string) (all []mount) {
	plain := func(text string) string {
		return escaped.ReplaceAllStringFunc(text, func(code string) string {
			n, _ := strconv.ParseUint(code[1:], 8, 8)
			return string([]byte{byte(n)})
		})
	}
	for _, line := range lines {
		if f := strings.Fields(line); len(f) > 4 {
			all = append(all, mount{f[2], plain(f[3]), plain(f[4])})
		}
	}
	return all
}

// outside is the path on the node of what a process, which may be in a container, sees at the path.
func outside(seen string, inside, node []mount) (string, error) {
	in, rest := mount{}, ""
	for _, m := range inside { // of those at one place the last is on top
		if below, is := under(seen, m.at); is && len(m.at) >= len(in.at) {
			in, rest = m, below
		}
	}
	whole := path.Join(in.root, rest)
	found, out := "", mount{}
	for _, m := range node {
		if below, is := under(whole, m.root); is && m.device == in.device && len(m.root) >= len(out.root) {
			found, out = path.Join(m.at, below), m
		}
	}
	if in.at == "" || found == "" {
		return "", fmt.Errorf("its etcd runs in a container that has its data in %s, and what folder of the node that is cannot be found", seen)
	}
	return found, nil
}

// under is the rest of a path that is at or below a folder.
func under(whole, folder string) (rest string, is bool) {
	if folder == "/" || whole == folder {
		return strings.TrimPrefix(whole, folder), true
	}
	return strings.CutPrefix(whole, folder+"/")
}
