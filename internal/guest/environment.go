package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// wrapper is an ssh that knows the nodes, and else what the user's own ssh knows. docker can be given no option of ssh's: it runs
// the first ssh in PATH (github.com/docker/cli, cli/connhelper), and so do git and rsync. Others of these wrappers are passed by.
const wrapper = `#!/bin/sh
# "mage env" wrote this: ssh, with the nodes of this cluster in its configuration.
folder=${0%/*}
set -f
IFS=:
for path in $PATH; do
  case $path in */vm/ssh.*/bin) continue ;; esac
  [ -x "$path/ssh" ] && exec "$path/ssh" -F "${folder%/bin}/config" "$@"
done
echo "ssh: not found in PATH" >&2
exit 127
`

// own are the user's own configuration, and the system's, which count for all that the nodes' blocks do not say.
const own = "\nMatch all\n  Include ~/.ssh/config\n  Include /etc/ssh/ssh_config\n"

// Environment makes a folder for the beginning of PATH in which ssh reaches the node by its name, with the block of
// ssh_config(5) (Config), and others for which that was done before.
func (a Access) Environment(node, block string) (folder string, err error) {
	folder = filepath.Join(a.Dir, "bin")
	if err := artifact.Write(filepath.Join(a.Dir, "hosts", node), []byte(block+"\n"), 0o600); err != nil {
		return folder, err
	}
	blocks, err := a.blocks()
	if err != nil {
		return folder, err
	}
	_, err = artifact.WriteIfChanged(filepath.Join(a.Dir, "config"), []byte(blocks+own), 0o600)
	if err != nil {
		return folder, err
	}
	_, err = artifact.WriteIfChanged(filepath.Join(folder, "ssh"), []byte(wrapper), 0o755)
	return folder, err
}

// blocks are those of all nodes.
func (a Access) blocks() (string, error) {
	hosts := filepath.Join(a.Dir, "hosts")
	entries, err := os.ReadDir(hosts)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, entry := range entries {
		block, err := os.ReadFile(filepath.Join(hosts, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if !strings.HasPrefix(entry.Name(), ".") { // one that is being written
			fmt.Fprintln(&all, string(block))
		}
	}
	return all.String(), nil
}
