package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/readable"
)

// Show prints node='s Ignition document as people read it, contents decoded; without node= the first's.
// Nothing else goes to standard output: it can be piped.
func (r *Run) Show(ctx context.Context) error {
	texts, warned, err := r.readableNodes(ctx)
	for _, warning := range warned {
		fmt.Fprintln(os.Stderr, warning)
	}
	if err != nil {
		return err
	}
	names := []string{}
	for _, node := range r.members() {
		if node.Name == r.Node || r.Node == "" {
			_, err = fmt.Fprintf(r.log.Writer(), "# %s\n%s", r.relative(node.Ignition()), texts[node.Name])
			return err
		}
		names = append(names, node.Name)
	}
	return hint.Errorf("nodes are "+strings.Join(names, ", "), "node=%s is no node of this cluster", r.Node)
}

// sections are what a Container Linux Config has and Butane has not, and what becomes of each.
var sections = []struct{ name, becomes string }{
	{"etcd", "the drop-in 20-clct-etcd-member.conf of etcd-member.service"},
	{"flannel", "the drop-in 20-clct-flannel.conf of flanneld.service"},
	{"docker", "the drop-in 20-clct-docker.conf of docker.service"},
	{"locksmith", "lines of /etc/coreos/update.conf, or a drop-in of locksmithd.service"},
	{"update", "lines of /etc/coreos/update.conf"},
	{"networkd", "files below /etc/systemd/network"},
}

// Migrate writes a Container Linux Config as Butane, variant flatcar, beside it.
func (r *Run) Migrate(context.Context) error {
	path := r.configPath()
	if !r.template.Legacy {
		return hint.Errorf("config= names another one", "%s is Butane already", path)
	}
	config, err := readable.Butane(r.template.JSON)
	if err != nil {
		return err
	}
	has, err := r.template.Sections()
	if err != nil {
		return err
	}
	head := fmt.Sprintf("# %s, migrated from a Container Linux Config by `mage migrate`. Comments stayed behind.\n", filepath.Base(path))
	for _, section := range sections {
		if has[section.name] {
			head += fmt.Sprintf("# Butane has no equal of the section %s: it is %s here.\n", section.name, section.becomes)
		}
	}
	to := strings.TrimSuffix(path, filepath.Ext(path)) + ".bu"
	if err := artifact.WriteNew(to, []byte(head+string(config)), 0o644); err != nil {
		return err
	}
	r.log.Say("migrate: %s -> %s; `mage up config=%s` uses it\n%s", path, to, to, strings.TrimSpace(head))
	return nil
}
