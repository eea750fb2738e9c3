package bridge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/workspace/artifact"
)

// ifupdown plans the bridge by a change of Debian's /etc/network/interfaces, or nothing where that does not
// have the card. ifup makes bridges with bridge-utils.
func ifupdown(ctx context.Context, m step.Machine, bridge, nic string) ([]step.Planned, error) {
	if _, err := exec.LookPath("ifup"); err != nil {
		return nil, nil
	}
	card, err := net.InterfaceByName(nic)
	if err != nil {
		return nil, err
	}
	t := &transfer{bridge: bridge, nic: nic, mac: card.HardwareAddr.String()}
	files, err := transferred(m, t)
	if err != nil || files == nil {
		return nil, asRoot(err)
	}
	steps := []step.Planned{}
	if packages, err := step.Lacking(ctx, "apt", []string{"bridge-utils"}); err != nil {
		return nil, err
	} else if packages != nil {
		steps = append(steps, step.Planned{Title: "packages bridge-utils", Why: "ifup makes bridges with it", Step: packages})
	}
	return append(steps, step.Planned{Title: "bridge " + bridge + " over " + nic + ", by ifupdown", Why: why(nic), Step: t.step(files)}), nil
}

// step is the bridge by the files; aliases, such as eth0:1, go with the card. ifdown does not wait until its DHCP client
// has taken the address away: a port that has one cuts the host off.
func (t *transfer) step(files []*step.File) *FromFiles {
	former, now := []string{t.nic}, []string{t.bridge}
	for _, alias := range t.aliases {
		former, now = append(former, t.nic+alias), append(now, t.bridge+alias)
	}
	line := func(words []string, more ...string) string { return step.Line(append(words, more...)...) }
	return &FromFiles{
		Name: t.bridge, NIC: t.nic, Files: files,
		Down:  []string{line([]string{"ifdown"}, former...), step.Line("ip", "address", "flush", "dev", t.nic, "scope", "global") + " || true"},
		Up:    []string{line([]string{"ifup", t.nic}, now...)},
		Back:  []string{line(append([]string{"ifdown", "--force"}, now...), t.nic), step.Line("ip", "link", "delete", t.bridge) + " 2>/dev/null || true"},
		Again: []string{line([]string{"ifup", "--force"}, former...)},
	}
}

// transferred are the files that change, in the order in which ifup reads them; none where they do not have the card.
func transferred(m step.Machine, t *transfer) ([]*step.File, error) {
	paths, err := interfaces(m, t.nic)
	if err != nil {
		return nil, err
	}
	texts := []string{}
	for _, path := range paths {
		text, err := os.ReadFile(m.Root.Path(path))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	t.look(strings.Join(texts, "\n"))
	if !t.has {
		return nil, nil
	}
	files := []*step.File{}
	for i, path := range paths {
		f, err := m.File(path, t.rewrite(texts[i]))
		if err != nil {
			return nil, err
		}
		if f != nil {
			files = append(files, f)
		}
	}
	return files, nil
}

const interfacesFile = "etc/network/interfaces"

var sources = regexp.MustCompile(`(?m)^\s*source(-directory)?\s+(\S+)`)

// plainName is what a sourced folder's files must be called; a pattern's may be called anything.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// interfaces are the files that ifup reads, in its order as far as it matters for the card: the first, and those
// that it sources (interfaces(5)).
func interfaces(m step.Machine, nic string) ([]string, error) {
	text, err := os.ReadFile(m.Root.Path(interfacesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sourced := sourced(m, text)
	first, own := sources.FindIndex(text), stanzaOf(nic).FindIndex(text)
	if first != nil && (own == nil || own[0] > first[0]) {
		return append(sourced, interfacesFile), nil
	}
	return append([]string{interfacesFile}, sourced...), nil
}

// sourced are the files that the text names, by patterns from the root or from the file's own folder.
func sourced(m step.Machine, text []byte) []string {
	all := []string{}
	for _, found := range sources.FindAllSubmatch(text, -1) {
		pattern, isFolder := string(found[2]), len(found[1]) > 0
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join("/", filepath.Dir(interfacesFile), pattern)
		}
		if isFolder {
			pattern = filepath.Join(pattern, "*")
		}
		paths, _ := artifact.Matching(m.Root.Path(), strings.TrimPrefix(pattern, "/"))
		for _, path := range paths {
			relative, err := filepath.Rel(string(m.Root), path)
			info, failed := os.Stat(path)
			if errors.Join(err, failed) == nil && info.Mode().IsRegular() && !slices.Contains(all, relative) && (!isFolder || plainName.MatchString(filepath.Base(path))) {
				all = append(all, relative)
			}
		}
	}
	return all
}

// stanzaOf finds where settings of the card begin.
func stanzaOf(nic string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\s*iface\s+)` + regexp.QuoteMeta(nic) + `(:\S+)?(\s+inet6?\s.*)$`)
}

// transfer gives the card's settings to the bridge, and the card to the bridge as its port.
type transfer struct {
	bridge, nic, mac string
	has              bool     // whether the files have the card
	auto             bool     // whether a file brings it up at boot
	done             bool     // whether the bridge has its port
	aliases          []string // such as :1
}

// look finds out what the files have of the card.
func (t *transfer) look(all string) {
	for _, found := range stanzaOf(t.nic).FindAllStringSubmatch(all, -1) {
		t.has = t.has || found[2] == ""
		if found[2] != "" && !slices.Contains(t.aliases, found[2]) {
			t.aliases = append(t.aliases, found[2])
		}
	}
	for line := range strings.Lines(all) {
		words := strings.Fields(line)
		t.auto = t.auto || brings(words) && slices.Contains(words[1:], t.nic)
	}
}

// brings reports whether the words name what is brought up at boot.
func brings(words []string) bool {
	return len(words) > 1 && (words[0] == "auto" || strings.HasPrefix(words[0], "allow-"))
}

// rewrite is a file's text with the transfer.
func (t *transfer) rewrite(text string) string {
	stanza := stanzaOf(t.nic)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if words := strings.Fields(line); brings(words) {
			lines[i] = t.brought(line, words)
		}
		found := stanza.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		lines[i] = found[1] + t.bridge + found[2] + found[3]
		if found[2] == "" && !t.done {
			t.done = true // once, also where inet and inet6 have a stanza each
			lines[i] = t.port() + lines[i] + fmt.Sprintf("\n    bridge_ports %s\n    bridge_hw %s\n    bridge_stp off\n    bridge_fd 0", t.nic, t.mac)
		}
	}
	return strings.Join(lines, "\n")
}

// port is the card's own stanza, before that of the bridge, which is brought up at boot as it was with the card.
func (t *transfer) port() string {
	stanza := "iface " + t.nic + " inet manual\n\n"
	if !t.auto {
		stanza += "auto " + t.bridge + "\n"
	}
	return stanza
}

// brought is the line with the bridge, and aliases of it, for the card. Others that it names stay as they were.
func (t *transfer) brought(line string, words []string) string {
	others, moved := []string{words[0]}, []string{"auto"}
	for _, name := range words[1:] {
		if own, alias, _ := strings.Cut(name, ":"); own == t.nic {
			moved = append(moved, strings.TrimSuffix(t.bridge+":"+alias, ":"))
		} else {
			others = append(others, name)
		}
	}
	switch {
	case len(moved) == 1:
		return line
	case len(others) == 1:
		return strings.Join(moved, " ")
	}
	return strings.Join(others, " ") + "\n" + strings.Join(moved, " ")
}
