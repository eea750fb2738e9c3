// Package network judges files for systemd-networkd, systemd-udevd's .link files and profiles of NetworkManager: names of sections and
// keys by tables, as newer systems know more than this host's, and values by those programs themselves.
package network

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/config/verify/unit"
)

const (
	folder      = "/etc/systemd/network"
	connections = "/etc/NetworkManager/system-connections"
	keyfile     = "nmconnection" // as the table calls it
)

// daemon is systemd-networkd, which reads .network and .netdev files.
const daemon = "/lib/systemd/systemd-networkd"

// The checks' names; that of a profile is followed by its path.
const (
	networkdCheck = "systemd-networkd"
	udevCheck     = "udevadm"
	nmcliCheck    = "nmcli "
)

// kindOf is what systemd takes the file for: network, netdev or link, also if it is a drop-in of one; else it is empty.
func kindOf(f document.File) string {
	at := f.Path
	if path.Ext(at) == ".conf" && path.Ext(path.Dir(at)) == ".d" {
		at = strings.TrimSuffix(path.Dir(at), ".d")
	}
	kind := strings.TrimPrefix(path.Ext(at), ".")
	if path.Dir(at) != folder || !f.Known || !slices.Contains([]string{"network", "netdev", "link"}, kind) {
		return ""
	}
	return kind
}

// isProfile reports whether NetworkManager reads the file as a connection.
func isProfile(f document.File) bool {
	return f.Known && path.Dir(f.Path) == connections && path.Ext(f.Path) == ".nmconnection"
}

// Faults are those that are seen without a program.
func Faults(d document.Document) (faults []document.Fault) {
	for _, f := range d.Files {
		switch kind := kindOf(f); {
		case kind != "":
			faults = append(faults, append(malformed(f), names(f, kind, "systemd")...)...)
		case isProfile(f):
			faults = append(faults, profile(f)...)
		case f.Known && path.Dir(f.Path) == "/etc/NetworkManager/conf.d" && path.Ext(f.Path) == ".conf":
			faults = append(faults, malformed(f)...)
		}
	}
	return faults
}

// Checks are what runs for the document, and a line for each program that is missing here for it.
func Checks(d document.Document) (checks []sandbox.Check, missing []string) {
	kinds, profiles := map[string]bool{}, []sandbox.Check{}
	for _, f := range d.Files {
		kinds[kindOf(f)] = true
		if isProfile(f) {
			profiles = append(profiles, sandbox.Check{Name: nmcliCheck + f.Path, Command: nmcliCommand(f.Path)})
		}
	}
	add := func(there, wanted bool, some []sandbox.Check, lacks string) {
		if wanted && there {
			checks = append(checks, some...)
		} else if wanted {
			missing = append(missing, lacks)
		}
	}
	_, noNetworkd := os.Stat(daemon)
	add(noNetworkd == nil, kinds["network"] || kinds["netdev"], []sandbox.Check{{Name: networkdCheck, Command: networkdCommand}},
		"values in files for systemd-networkd are not looked at: this host has none (package systemd, or systemd-networkd)")
	add(has("udevadm"), kinds["link"], []sandbox.Check{{Name: udevCheck, Command: udevCommand}},
		"values in .link files are not looked at: this host has no udevadm (package udev)")
	add(has("nmcli"), len(profiles) > 0, profiles, "values in profiles of NetworkManager are not looked at: this host has no nmcli (package network-manager)")
	return checks, missing
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// copied puts the node's files where the programs look for them, readable for whom they run as.
const copied = "mkdir -p " + folder + "; cp -rL " + sandbox.Node + folder + "/. " + folder + "; chmod -R a+rX " + folder + "; "

// networkdCommand lets systemd-networkd read its files: it says what is wrong in them before it looks for cards. It runs without rights,
// as a user that is none: else it wants to become its own. What it says of its state is said behind all files.
const networkdCommand = copied + `export SYSTEMD_LOG_TARGET=console; mkfifo /tmp/networkd
timeout -s KILL 5 unshare --user ` + daemon + ` >/tmp/networkd 2>&1 &
while IFS= read -r line; do
  case $line in *" state file "*) break ;; esac
  printf '%s\n' "$line"
done </tmp/networkd
kill -9 $!`

// udevCommand lets udev look for the .link file of a card: it reads all of them.
const udevCommand = copied + "SYSTEMD_LOG_TARGET=console udevadm test-builtin net_setup_link /sys/class/net/lo"

var (
	ofNode  = regexp.MustCompile(`(?m)^` + folder + `/`)
	ofFile  = regexp.MustCompile(`^` + folder + `/(\S+): ([^0-9].*ignoring file.*)$`)
	inText  = regexp.MustCompile(`^(.*) in "` + folder + `/(\S+)", ignoring\.$`)
	byTable = regexp.MustCompile(`: Unknown (key|section)|Missing '='|Assignment outside`)
	ending  = regexp.MustCompile(`, ignoring.*$`)
)

// Said are the faults that the programs reported.
func Said(d document.Document, results map[string]sandbox.Result) (faults []document.Fault) {
	for _, name := range []string{networkdCheck, udevCheck} {
		faults = append(faults, systemdSaid(results[name].Said)...)
	}
	for _, f := range d.Files {
		if isProfile(f) {
			faults = append(faults, nmcliSaid(f, results[nmcliCheck+f.Path].Said)...)
		}
	}
	return faults
}

func systemdSaid(said string) (faults []document.Fault) {
	values, found := []string{}, map[string]bool{}
	for _, line := range strings.Split(said, "\n") {
		if !byTable.MatchString(line) {
			values = append(values, ofNode.ReplaceAllString(line, sandbox.Node+folder+"/"))
		}
	}
	for _, f := range unit.Lines(strings.Join(values, "\n"), unit.Options{Known: func() unit.Known { return unit.Known{} }}) {
		found[f.Path] = true
		faults = append(faults, f)
	}
	for _, line := range strings.Split(said, "\n") {
		name, text := "", ""
		if m := ofFile.FindStringSubmatch(line); m != nil {
			name, text = m[1], m[2]
		} else if m := inText.FindStringSubmatch(line); m != nil {
			name, text = m[2], m[1]
		}
		if at := path.Join(folder, name); name != "" && !found[at] {
			faults = append(faults, document.Fault{Error: true, Path: at, Text: path.Base(at) + ": " + ending.ReplaceAllString(text, "") + ": the file is left out"})
		}
	}
	return faults
}
