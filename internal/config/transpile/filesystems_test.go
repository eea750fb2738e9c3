package transpile

import (
	"strings"
	"testing"
)

// A file system is what its device becomes, whatever its name: the name is for files, and spec 3 has none.
func TestFilesystemsByName(t *testing.T) {
	const mount = "mount: {device: /dev/disk/by-label/ROOT, format: btrfs, wipe_filesystem: true, label: ROOT}"
	file := "  files: [{filesystem: NAME, path: /etc/a, mode: 0644, contents: {inline: a}}]\n"
	for _, c := range []struct{ name, storage, path, file string }{
		{"root", "{name: root, " + mount + "}", "", "/etc/a"},
		{"root", "{name: root, mount: {device: /dev/vdb, format: ext4}}", "", "/etc/a"},
		{"system", "{name: system, " + mount + "}", "", "/etc/a"}, // known by its label
		{"data", "{name: data, mount: {device: /dev/vdb, format: ext4}}", "/tmp/ignition-data", "/tmp/ignition-data/etc/a"},
		{"oem", "{name: oem, mount: {device: /dev/vdb, format: ext4}}", "/oem", "/oem/etc/a"},
	} {
		config := legacyConfig(t, write(t, "storage:\n  filesystems: ["+c.storage+"]\n"+strings.ReplaceAll(file, "NAME", c.name)))
		if len(config.Storage.Filesystems) != 1 || len(config.Storage.Files) != 1 {
			t.Fatalf("%s: got %+v", c.storage, config.Storage)
		}
		fs, path := config.Storage.Filesystems[0], ""
		if fs.Path != nil {
			path = *fs.Path
		}
		if path != c.path || config.Storage.Files[0].Path != c.file {
			t.Errorf("%s: the file system is at %q, the file at %s", c.storage, path, config.Storage.Files[0].Path)
		}
		if strings.Contains(c.storage, mount) && (fs.Device != "/dev/disk/by-label/ROOT" || *fs.Format != "btrfs" || *fs.Label != "ROOT" || !*fs.WipeFilesystem) {
			t.Errorf("%s: got %+v", c.storage, fs)
		}
	}
}

// A hard link's target is on its own file system.
func TestHardLinkOnAFilesystem(t *testing.T) {
	config := legacyConfig(t, write(t, `
storage:
  filesystems: [{name: data, path: /sysroot/srv}]
  files: [{filesystem: data, path: /a, mode: 0644, contents: {inline: a}}]
  links:
    - {filesystem: data, path: /hard, target: /a, hard: true}
    - {filesystem: data, path: /soft, target: /a}
`))
	links := config.Storage.Links
	if len(links) != 2 || links[0].Path != "/srv/hard" || links[0].Target != "/srv/a" || links[1].Target != "/a" {
		t.Errorf("got %+v", links)
	}
}
