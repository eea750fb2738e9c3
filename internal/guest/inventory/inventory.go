// Package inventory is what an image has: programs, units, users, groups and packages, as a node that booted it says. What a node says
// is a stranger's: it has limits, and what is not a name is left out.
package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// Inventory is what an image has of its own: not what a config brought.
type Inventory struct {
	Image    string   `json:"image"`    // size and time of the image's file when it was taken
	Folders  []string `json:"folders"`  // whose programs are all known
	Programs []string `json:"programs"` // paths
	Units    []string `json:"units"`
	Users    []string `json:"users"`
	Groups   []string `json:"groups"`
	Packages []string `json:"packages"` // name and version
}

// MaxSize is what is read of a node's answer, in bytes: that of a Fedora CoreOS has 150 KiB.
const MaxSize = 2 << 20

const (
	maxItems  = 20_000 // of each kind
	maxLength = 200    // of an item, in bytes
)

// Script prints what the node's image has: each line begins with a word that says of what kind it is, and the last is "end". It
// changes nothing, and needs no rights. Folders that configs write to are left out.
const Script = `LC_ALL=C
for d in /usr/bin /usr/sbin; do
  [ -d $d ] || continue
  echo "folder $d"
  for f in $d/*; do [ ! -f "$f" ] || [ ! -x "$f" ] || echo "program $f"; done
done
for f in /usr/lib/systemd/system/* /lib/systemd/system/* /run/systemd/generator*/*; do case $f in *.d|*.wants|*.requires|*'*') ;; *) echo "unit ${f##*/}" ;; esac; done
for f in /etc/systemd/system/*; do case $(readlink "$f") in /usr/lib/systemd/*|/lib/systemd/*) echo "unit ${f##*/}" ;; esac; done
{ getent passwd || cat /etc/passwd; } 2>/dev/null | while IFS=: read -r name rest; do echo "user $name"; done
{ getent group || cat /etc/group; } 2>/dev/null | while IFS=: read -r name rest; do echo "group $name"; done
rpm -qa --qf 'package %{NAME} %{VERSION}-%{RELEASE}\n' 2>/dev/null
echo end`

var item = regexp.MustCompile(`^[A-Za-z0-9@%:_.+/\\~^\[ -]+$`)

// Parse reads what the script printed.
func Parse(text string) (i Inventory, err error) {
	lists := map[string]*[]string{
		"folder": &i.Folders, "program": &i.Programs, "unit": &i.Units, "user": &i.Users, "group": &i.Groups, "package": &i.Packages,
	}
	if len(text) > MaxSize || !strings.HasSuffix(strings.TrimSpace(text), "\nend") {
		return i, errors.New("the list of what the image has is not whole")
	}
	for line := range strings.Lines(text) {
		kind, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		list := lists[kind]
		if list == nil || len(name) > maxLength || !item.MatchString(name) || len(*list) == maxItems {
			continue
		}
		*list = append(*list, name)
	}
	for kind, list := range lists {
		slices.Sort(*list)
		if *list = slices.Compact(*list); len(*list) == 0 && kind != "package" {
			return i, fmt.Errorf("the list of what the image has no %s", kind)
		}
	}
	return i, nil
}

// Without leaves out users and groups that a config brought.
func (i Inventory) Without(users, groups []string) Inventory {
	drop := func(from, names []string) []string {
		return slices.DeleteFunc(slices.Clone(from), func(name string) bool { return slices.Contains(names, name) })
	}
	i.Users, i.Groups = drop(i.Users, users), drop(i.Groups, groups)
	return i
}

// Load reads the inventory of the image whose file is as identity says. There is none if it is of another file.
func Load(path, identity string) (i Inventory, is bool) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*MaxSize {
		return i, false
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &i) != nil {
		return Inventory{}, false
	}
	return i, identity != "" && i.Image == identity
}

// Save writes it.
func (i Inventory) Save(path string) error {
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return artifact.Write(path, append(data, '\n'), 0o644)
}
