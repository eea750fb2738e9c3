package command

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/readable"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// unequal are the keys that a Container Linux Config has and Butane has not, and what becomes of each.
var unequal = []struct{ key, becomes string }{
	{"etcd", "the drop-in 20-clct-etcd-member.conf of etcd-member.service"},
	{"flannel", "the drop-in 20-clct-flannel.conf of flanneld.service"},
	{"docker", "the drop-in 20-clct-docker.conf of docker.service"},
	{"locksmith", "lines of /etc/coreos/update.conf, or a drop-in of locksmithd.service"},
	{"update", "lines of /etc/coreos/update.conf"},
	{"networkd", "files below /etc/systemd/network"},
	{"passwd.users.create", "what it held, beside the user's name"},
	{"storage.filesystems.name", "the path of the file system, with which the paths of what is on it begin"},
	{"storage.filesystems.mount.create", "wipe_filesystem and options"},
	{"storage.files.contents.local", "the file's text of now; `local:` in place of `inline:` follows a file in ignition/files"},
	{"storage.files.contents.remote", "source"},
	{"systemd.units.enable", "enabled"},
}

// dynamic are the transpiler's stand-ins for what a machine learns of itself.
var dynamic = regexp.MustCompile(`\{(?:HOSTNAME|(?:PUBLIC|PRIVATE)_IPV[46])\}`)

// withoutEqual says what of the config has no equal in Butane, a line each.
func withoutEqual(c transpile.Template) (lines []string, err error) {
	has, err := c.Keys()
	for _, u := range unequal {
		if has[u.key] {
			lines = append(lines, fmt.Sprintf("Butane has no equal of %s: here it is %s.", u.key, u.becomes))
		}
	}
	found := map[string]bool{}
	for _, word := range dynamic.FindAllString(string(c.Source), -1) {
		found[word] = true
	}
	for _, word := range slices.Sorted(maps.Keys(found)) {
		name := strings.Trim(word, "{}")
		lines = append(lines, fmt.Sprintf("Butane has no equal of %s: here it is ${COREOS_CUSTOM_%s}, of coreos-metadata.service.", word, name))
	}
	return lines, err
}

// Migrate writes a Container Linux Config as Butane, variant flatcar, beside it: if Butane makes the same document of that.
func Migrate(_ context.Context, r *Run) error {
	source, err := config.Read(configOptions(r, part{r.Settings, r.members()}))
	for _, warning := range source.Warnings {
		r.log.Say("%s", warning)
	}
	if err != nil {
		return err
	}
	path := source.Path
	if !source.Common.Legacy {
		return hint.Errorf("config= names another one", "%s is Butane already", path)
	}
	butane, err := readable.Butane(source.Common.JSON)
	if err != nil {
		return err
	}
	lost, err := withoutEqual(source.Common)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("# %s, migrated from a Container Linux Config by `mage migrate`. Comments and anchors stayed behind.\n", filepath.Base(path))
	for _, line := range lost {
		head += "# " + line + "\n"
	}
	to := strings.TrimSuffix(path, filepath.Ext(path)) + ".bu"
	text := []byte(head + string(butane))
	refused, err := saysTheSame(to, text, source.Common)
	if err != nil {
		return fmt.Errorf("%s cannot be migrated: %w", path, err)
	}
	if err := artifact.WriteNew(to, text, 0o644); err != nil {
		return err
	}
	r.log.Say("migrate: %s -> %s; `%s` uses it\n%s", path, to, upAsCalled(r.Settings, "config="+quoted(to)), strings.TrimSpace(head))
	if refused != nil {
		r.log.Say("migrate: edit these by hand first, Butane has no equal:\n%s", refused)
	}
	return nil
}

// saysTheSame is an error if Butane makes of text, which would be the config to, another document than before. What Butane,
// which is stricter than the old transpiler, refuses, is for the user to correct.
func saysTheSame(to string, text []byte, before transpile.Template) (refused, err error) {
	after, refused := transpile.Text(to, text, config.Beside(to, "files"))
	if refused != nil {
		return refused, nil
	}
	return nil, hint.Add(readable.Equal(before.JSON, after.JSON), "write it by hand, and please report this config")
}
