package refusal

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/coreos/butane/config/common"
	"github.com/coreos/ignition/v2/config/shared/errors"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

// finding is one thing that a transpiler reports, and where it is in the config.
type finding struct {
	Config
	path  []any      // of keys and indices
	value *yaml.Node // at the path, or the nearest above it that there is; nil: not known
	there bool       // whether value is at the path
}

// advice says what a report with some words in it means, and what helps. An empty text leaves the report's own.
type advice struct {
	said string
	say  func(f finding, said string) (text, help string)
}

// advices are asked in turn: the first that fits counts.
var advices = []advice{
	{errors.ErrDuplicate.Error(), finding.duplicate},
	{common.ErrDecimalMode.Error(), finding.decimalMode},
	{errors.ErrFileIllegalMode.Error(), finding.decimalMode},
	{errors.ErrModeSpecialBits.Error(), finding.specialMode},
	{"has no install section", finding.noInstall},
	{"doesn't have Install section", finding.noInstall},
	{"no such file", finding.missing},
	{"outside of the folder of local files", finding.outside},
	{"only one of the following can be set", finding.oneSource},
	{"unused key ", finding.unknown},
	{UnknownKey, finding.unknown},
	{"context tree does not match", finding.aliased},
	{"no systemd unit extension", finding.unitName},
	{errors.ErrInvalidSystemdExt.Error(), finding.unitName},
	{"invalid systemd unit extension", finding.unitName},
	{errors.ErrInvalidSystemdDropinExt.Error(), finding.dropinName},
	{common.ErrFilesDirEscape.Error(), finding.outside},
	{errors.ErrPathRelative.Error(), finding.relative},
	{errors.ErrDirtyPath.Error(), finding.dirty},
	{errors.ErrNoPath.Error(), finding.noPath},
	{errors.ErrBothIDAndNameSet.Error(), say("", "leave out `id:` or `name:`")},
	{errors.ErrFormatNilWithOthers.Error(), say("the filesystem has no format", "write `format: ext4`, or xfs, btrfs, vfat, swap")},
	{errors.ErrFilesystemInvalidFormat.Error(), say("", "formats are ext4, xfs, btrfs, vfat and swap")},
	{errors.ErrNoDevice.Error(), say("there is no device", "write `device: /dev/vdb`, or whatever the disk is")},
	{errors.ErrOverwriteAndNilSource.Error(), say("`overwrite: true` wants contents", "write `contents: {inline: …}`, or leave out `overwrite`")},
	{errors.ErrHashMalformed.Error(), say("", "a hash is its function and its digits: `hash: sha512-0f1e…`")},
	{errors.ErrHashWrongSize.Error(), say("the hash has not as many digits as its function", "`sha512sum FILE` prints 128 of them, `sha256sum FILE` 64")},
	{errors.ErrHashUnrecognized.Error(), say("", "functions are sha512 and sha256")},
	{errors.ErrInvalidScheme.Error(), say("", "contents come by http, https, tftp, s3, gs, arn or data; text goes below `inline:`, a file's name below `local:`")},
	{errors.ErrLinkTargetRequired.Error(), say("", "write `target: /path`")},
	{errors.ErrSourceRequired.Error(), say("", "write `source:`, `inline:` or `local:`")},
	{common.ErrMountUnitNoPath.Error(), say("`with_mount_unit: true` wants a path", "write `path: /var/lib/data`, or leave out `with_mount_unit`")},
	{common.ErrMountUnitNoFormat.Error(), say("`with_mount_unit: true` wants a format", "write `format: xfs`")},
	{common.ErrTreeNotDirectory.Error(), say("", "for a single file write it below `storage.files`, with `contents: {local: …}`")},
	{errors.ErrPathConflictsSystemd.Error(), say("systemd.units makes a file at this path, too", "leave out one of the two")},
	{errors.ErrFileUsedSymlink.Error(), say("the path goes through a link of storage.links", "write the path that the link's target has")},
	{errors.ErrPartitionNumbersCollide.Error(), say("two partitions of the disk have the same number", "give each a number of its own")},
	{errors.ErrNeedLabelOrNumber.Error(), say("", "write `number: 1` or `label: data`")},
	{"units: ", finding.size},
	{errors.ErrCompressionInvalid.Error(), say("", "`compression: gzip` is the only one")},
	{errors.ErrRaidLevelRequired.Error(), say("", "write `level: raid1`, or linear, raid0, raid4, raid5, raid6, raid10")},
	{errors.ErrUnrecognizedRaidLevel.Error(), say("", "levels are linear, raid0, raid1, raid4, raid5, raid6 and raid10")},
	{"field \"name\" is required", say("there is no name", "write `name: …`")},
	{common.ErrMirrorRequiresLayout.Error(), say("", "write `layout: x86_64` below boot_device")},
	{"in this spec version", finding.notOfVersion},
	{"unable to find end of section", say("a line of the unit's contents begins with [ and does not end with ]", "write `[Service]`, with both brackets")},
	{"unknown reboot strategy", say("", "strategies are reboot, etcd-lock, best-effort and off")},
	{"is not in dotted-tri format", say("", "a version has three numbers: `version: 3.5.0`")},
	{"insecure plaintext HTTP", say("", "write `https://`")},
}

// say is a text and an advice that are always the same.
func say(text, help string) func(finding, string) (string, string) {
	return func(finding, string) (string, string) { return text, help }
}

// explained is the problem with the words that help.
func (f finding) explained(p problem.Problem) problem.Problem {
	said := p.Text
	text, help := "", ""
	if i := slices.IndexFunc(advices, func(a advice) bool { return strings.Contains(said, a.said) }); i >= 0 {
		text, help = advices[i].say(f, said)
	} else if f.files != "" && strings.Contains(said, f.files) {
		text, help = f.missing(said)
	}
	if text != "" {
		p.Text = text
	}
	p.Hint = help
	switch n := f.about(said); {
	case n != nil:
		p.Line, p.Column = n.Line, n.Column
	case p.Line == 0 && len(f.path) > 0:
		p.Text += " (" + problem.PlaceName(f.path) + ")"
	}
	return p
}

// abouts are keys that a report is about which names the mapping that they are in.
var abouts = map[string][]string{
	"no such file":                            {"local", "contents_local"},
	common.ErrTreeNotDirectory.Error():        {"local"},
	errors.ErrFilesystemInvalidFormat.Error(): {"format"},
	errors.ErrDuplicate.Error():               {"path", "name"},
	common.ErrMountUnitNoPath.Error():         {"with_mount_unit"},
	common.ErrMountUnitNoFormat.Error():       {"with_mount_unit"},
	errors.ErrFilesystemImplicitWipe.Error():  {"device"},
}

// about is the value of such a key, or nil.
func (f finding) about(said string) *yaml.Node {
	for words, keys := range abouts {
		if !strings.Contains(said, words) || f.value == nil {
			continue
		}
		for _, key := range keys {
			if n := problem.Below(f.value, key); n != nil && n.Line >= f.value.Line { // else it is merged
				return n
			}
		}
	}
	return nil
}

// last is the last step of the path, if it is a key.
func (f finding) last() string {
	for i := len(f.path) - 1; i >= 0; i-- {
		if key, is := f.path[i].(string); is {
			return key
		}
	}
	return ""
}

// child is the text of a key of the value.
func (f finding) child(key string) string {
	if n := problem.At(f.value, key); n != nil {
		return n.Value
	}
	return ""
}

func (f finding) unknown(string) (text, help string) {
	return problem.Unknown(f.own, schemas, LegacySchema, f.path)
}

func (f finding) aliased(string) (text, help string) {
	return "an alias (*name) stands here for a mapping or a list, which Butane cannot check", "write out what it stands for"
}

// duplicate says where the other is.
func (f finding) duplicate(string) (text, help string) {
	name := nameOf(f.value)
	text, help = name+" is there twice", "leave out one of the two, or put both into one"
	switch other := f.other(name); {
	case other == nil:
	case other.Line > f.value.Line:
		text = fmt.Sprintf("%s is there again, in line %d", name, other.Line)
	default:
		text = fmt.Sprintf("%s is there already, in line %d", name, other.Line)
	}
	return text, help
}

// other is the first other entry of the name, in the lists that are of one kind.
func (f finding) other(name string) *yaml.Node {
	if len(f.path) < 2 {
		return nil
	}
	above, list := f.path[:len(f.path)-2], f.path[len(f.path)-2]
	lists := []any{list}
	if nodes := []any{"files", "directories", "links"}; slices.Contains(nodes, list) {
		lists = nodes
	}
	for _, list := range lists {
		all := problem.At(&f.doc, append(slices.Clone(above), list)...)
		for i := 0; all != nil && all.Kind == yaml.SequenceNode && i < len(all.Content); i++ {
			if n := all.Content[i]; nameOf(n) == name && n != f.value {
				return n
			}
		}
	}
	return nil
}

// nameOf is what people call an entry of a list by.
func nameOf(n *yaml.Node) string {
	if n == nil || n.Kind == yaml.ScalarNode {
		return nodeText(n)
	}
	for _, key := range []string{"path", "name", "device", "label", "number", "url"} {
		if name := problem.At(n, key); name != nil && name.Value != "" {
			return name.Value
		}
	}
	return "the entry"
}

func nodeText(n *yaml.Node) string {
	if n == nil {
		return "it"
	}
	return n.Value
}

// decimalMode says how the mode is written.
func (f finding) decimalMode(string) (text, help string) {
	mode := nodeText(f.value)
	switch {
	case strings.Trim(mode, "0123456789") == "" && strings.Trim(mode, "01234567") != "":
		return fmt.Sprintf("%s is not a mode: an octal number has digits from 0 to 7", mode), fmt.Sprintf("write `%s: 0644`, or whatever is right", f.last())
	case strings.Trim(mode, "01234567") == "" && !strings.HasPrefix(mode, "0"):
		return fmt.Sprintf("the mode %s has no leading 0: it is read as a decimal number", mode), fmt.Sprintf("write `%s: 0%s`", f.last(), mode)
	}
	return "", fmt.Sprintf("a mode is octal, with a leading 0: `%s: 0644`", f.last())
}

func (f finding) specialMode(said string) (text, help string) {
	if text, help = f.decimalMode(said); text != "" {
		return text, help
	}
	return "", "take the bits above 0777 away, or write `variant: fcos` and `version: 1.7.0`"
}

func (f finding) notOfVersion(string) (text, help string) {
	return "", fmt.Sprintf("leave it out: variant %s %s does not take it", f.own.Variant, f.own.Version)
}

// size is of ct's partitions.
func (f finding) size(string) (text, help string) {
	size := nodeText(f.value)
	return size + " is not a size", fmt.Sprintf("write a number and a unit, without a blank: `%s: 10GiB`", f.last())
}

// unitSuffixes are systemd's kinds of units (systemd.unit(5)).
var unitSuffixes = []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}

func (f finding) unitName(string) (text, help string) {
	name := f.unit()
	if name == "" {
		return "the unit has no name", "write `name: …` with the unit's name, as example.service"
	}
	ending := path.Ext(name)
	help = fmt.Sprintf("write `name: %s.service`, or the suffix that it is of: %s", strings.TrimSuffix(name, ending), strings.Join(unitSuffixes[1:], ", "))
	if ending == "" {
		return fmt.Sprintf("the unit %s has no suffix", name), help
	}
	return fmt.Sprintf("systemd has no units with the suffix %s", ending), help
}

// unit is the name of the unit that it is about.
func (f finding) unit() string {
	if f.value != nil && f.value.Kind == yaml.MappingNode {
		return f.child("name")
	}
	for i := len(f.path); i > 0; i-- {
		if n := problem.At(&f.doc, append(slices.Clone(f.path[:i]), "name")...); n != nil {
			return n.Value
		}
	}
	return nodeText(f.value)
}

func (f finding) dropinName(string) (text, help string) {
	name := nameOf(f.value)
	return fmt.Sprintf("the drop-in %s does not end in .conf", name), fmt.Sprintf("write `name: %s.conf`", strings.TrimSuffix(name, path.Ext(name)))
}

func (f finding) noInstall(string) (text, help string) {
	return fmt.Sprintf("%s is enabled, but its contents have no section [Install], so nothing would start it", f.unit()),
		"add to the contents `[Install]` and `WantedBy=multi-user.target`, or leave out `enabled`"
}

// missing names the folder of local files.
func (f finding) missing(string) (text, help string) {
	return "", "local files are looked for in " + f.files
}

func (f finding) outside(string) (text, help string) {
	return nodeText(f.value) + " is outside of the folder of local files", fmt.Sprintf("local files are looked for in %s: put it there, and write its name without ../", f.files)
}

func (f finding) oneSource(string) (text, help string) {
	in, path := f.value, f.path
	if in != nil && in.Kind == yaml.ScalarNode && len(path) > 0 {
		path = path[:len(path)-1]
		in = problem.At(&f.doc, path...)
	}
	has := []string{}
	for _, key := range []string{"inline", "local", "source", "remote", "contents", "contents_local"} {
		if in != nil && problem.Below(in, key) != nil {
			has = append(has, key+":")
		}
	}
	if len(has) < 2 {
		return "", "leave out all but one"
	}
	return fmt.Sprintf("%s in %s: only one of them counts", strings.Join(has, " and "), problem.PlaceName(path)), "leave out all but one"
}

func (f finding) relative(string) (text, help string) {
	return fmt.Sprintf("the path %s does not begin with /", nodeText(f.value)), fmt.Sprintf("write `%s: /%s`", f.last(), strings.TrimLeft(nodeText(f.value), "./"))
}

func (f finding) dirty(string) (text, help string) {
	return fmt.Sprintf("the path %s has //, /./, /../ or a / at its end", nodeText(f.value)), fmt.Sprintf("write `%s: %s`", f.last(), path.Clean(nodeText(f.value)))
}

func (f finding) noPath(string) (text, help string) {
	if f.last() == "device" {
		return "there is no device", "write `device: /dev/vdb`, or whatever the disk is"
	}
	return "there is no path", "write `path: /etc/…`"
}
