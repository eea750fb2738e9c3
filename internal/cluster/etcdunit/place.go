package etcdunit

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// unit is one of a node's units whose names begin with etcd, as systemd shows it.
type unit struct {
	name string
	show map[string]string // its properties (org.freedesktop.systemd1(5))
	text []string          // lines of its files, and of the scripts that it runs
}

// process is an etcd that runs on a node, in a container or not.
type process struct {
	words  []string          // its command line
	env    map[string]string // what begins with ETCD_
	folder string            // that it runs in
	mounts []string          // lines of its mountinfo (proc_pid_mountinfo(5))
}

// seen is what `look` prints on a node.
type seen struct {
	units     []unit
	processes []process
	here      []string // the node's own mountinfo
}

// read reads what `look` prints: lines that begin with what they are.
func read(out string) (s seen) {
	u, p := &unit{show: map[string]string{}}, &process{env: map[string]string{}}
	for line := range strings.Lines(out) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		key, value, _ := strings.Cut(rest, "=")
		switch kind {
		case "unit":
			s.units = append(s.units, unit{name: rest, show: map[string]string{}})
			u = &s.units[len(s.units)-1]
		case "show":
			u.show[key] = value
		case "text":
			u.text = append(u.text, rest)
		case "process":
			s.processes = append(s.processes, process{env: map[string]string{}})
			p = &s.processes[len(s.processes)-1]
		case "word":
			p.words = append(p.words, rest)
		case "env":
			p.env[key] = value
		case "folder":
			p.folder = rest
		case "mount":
			p.mounts = append(p.mounts, rest)
		case "here":
			s.here = append(s.here, rest)
		}
	}
	return s
}

// place is where the node's etcd is. What the etcd that runs says counts more than what its unit says.
func (s seen) place() (at workspace.EtcdPlace, err error) {
	u, err := s.unit()
	if err != nil {
		return at, err
	}
	at.Unit = u.name
	if len(s.processes) == 0 {
		at.Data, err = u.data()
		return at, err
	}
	for _, p := range s.processes {
		data, err := p.data(s.here)
		if err == nil && at.Data != "" && data != at.Data {
			err = fmt.Errorf("more than one etcd runs, with data in %s and in %s", at.Data, data)
		}
		if err != nil {
			return at, err
		}
		at.Data = data
	}
	return at, nil
}

// usual are the names that units of etcd have in this project's configs, and in Flatcar.
var usual = []string{"etcd.service", "etcd-member.service"}

// unit is the one that runs etcd: one that runs, or else one that will when the node boots.
func (s seen) unit() (unit, error) {
	loaded := slices.DeleteFunc(slices.Clone(s.units), func(u unit) bool { return u.show["LoadState"] != "loaded" })
	for _, is := range []func(unit) bool{unit.runs, unit.starts} {
		all := slices.DeleteFunc(slices.Clone(loaded), func(u unit) bool { return !is(u) })
		named := slices.DeleteFunc(slices.Clone(all), func(u unit) bool { return !slices.Contains(usual, u.name) })
		for _, few := range [][]unit{named, all} {
			if len(few) == 1 {
				return few[0], nil
			}
		}
	}
	names := []string{}
	for _, u := range loaded {
		names = append(names, u.name)
	}
	return unit{}, hint.Errorf("the unit is found if it is named etcd.service or etcd-member.service, and is enabled",
		"which unit runs its etcd is not known, it has: %s", cmp.Or(strings.Join(names, ", "), "none whose name begins with etcd"))
}

func (u unit) runs() bool {
	return !slices.Contains([]string{"inactive", "failed", ""}, u.show["ActiveState"])
}

func (u unit) starts() bool {
	return slices.Contains([]string{"enabled", "enabled-runtime", "generated"}, u.show["UnitFileState"])
}

// absolute is a path that needs no quotes.
const absolute = `(/[A-Za-z0-9._/-]+)`

var (
	environment = regexp.MustCompile(`\bETCD_DATA_DIR=["']?` + absolute)
	flag        = regexp.MustCompile(`--?data-dir[= ]["']?` + absolute)
	volume      = regexp.MustCompile(absolute + `:` + absolute)
	otherLog    = regexp.MustCompile(`--?wal-dir\b|\bETCD_WAL_DIR=`)
)

// errOtherLog is of members that have their log elsewhere than their data.
var errOtherLog = errors.New("its etcd has its log in a folder of its own (--wal-dir), and `restore` does not know that")

// data is the data folder, as the unit and the scripts that it runs name it. In a container it is what is mounted there.
func (u unit) data() (string, error) {
	text := u.show["Environment"] + "\n" + strings.Join(u.text, "\n")
	if otherLog.MatchString(text) {
		return "", errOtherLog
	}
	for _, names := range []*regexp.Regexp{flag, environment} {
		found := names.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		data := path.Clean(found[1])
		for _, v := range volume.FindAllStringSubmatch(text, -1) {
			if path.Clean(v[2]) == data {
				return path.Clean(v[1]), nil
			}
		}
		return data, nil
	}
	return "", hint.Errorf("start it, so that it says that itself", "its etcd does not run, and %s does not say where its data are (--data-dir, ETCD_DATA_DIR)", u.name)
}

// data is the data folder of the etcd, as the node itself sees it. here is the node's mountinfo.
func (p process) data(here []string) (string, error) {
	if _, other := p.value("wal-dir"); other {
		return "", errOtherLog
	}
	data, said := p.value("data-dir")
	if !said { // etcd's default
		name, _ := p.value("name")
		data = cmp.Or(name, "default") + ".etcd"
	}
	if !path.IsAbs(data) {
		data = path.Join(p.folder, data)
	}
	return outside(path.Clean(data), mountsOf(p.mounts), mountsOf(here))
}

// value is what the etcd was given by a flag, or else by the environment.
func (p process) value(name string) (value string, given bool) {
	for i, word := range p.words {
		key, value, has := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		switch {
		case !strings.HasPrefix(word, "-") || key != name:
		case has:
			return value, true
		case i+1 < len(p.words):
			return p.words[i+1], true
		}
	}
	value, given = p.env["ETCD_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))]
	return value, given
}
