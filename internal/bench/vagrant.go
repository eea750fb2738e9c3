package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed Vagrantfile
var vagrantfile []byte

// mostVagrant is the largest cluster that is measured beside vagrant-libvirt: it takes seconds for each node.
const mostVagrant = 10

// vagrant is how Vagrant is called, as functions of sh: with a home and a storage pool of its own, so that it leaves nothing anywhere
// else. What it says goes to its log: hyperfine would keep it.
const vagrant = `pool() { virsh -q -c %[1]s pool-destroy bench-vagrant >/dev/null 2>&1 || true; test $# -eq 0 || virsh -q -c %[1]s pool-create-as bench-vagrant dir --target "$PWD/vagrant/pool"; }
vagrants() { export VAGRANT_HOME="$PWD/vagrant/home" VAGRANT_CWD="$PWD/vagrant" VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_DEFAULT_PROVIDER=libvirt BENCH_NODES=$1 BENCH_URI=%[1]s; shift; (cd vagrant && vagrant "$@" >vagrant.log 2>&1) || { cat vagrant/vagrant.log; return 1; }; }
vagrants_away() { set -- $(ls vagrant/.vagrant/machines 2>/dev/null); test $# -eq 0 || { vagrants $# destroy -f && rm -rf vagrant/.vagrant; }; }
`

// emptyBox is a box of an empty disk (https://vagrant-libvirt.github.io/vagrant-libvirt/boxes.html), made on the spot: none is downloaded.
const emptyBox = `mkdir -p vagrant/box vagrant/home vagrant/pool
qemu-img create -q -f qcow2 vagrant/box/box.img 64M
echo '{"provider":"libvirt","format":"qcow2","virtual_size":1}' >vagrant/box/metadata.json
echo 'Vagrant.configure("2") {}' >vagrant/box/Vagrantfile
tar -C vagrant/box -cf vagrant/empty.box metadata.json Vagrantfile box.img
vagrants 0 box add --name empty empty.box
pool again`

// ErrNoVagrant is a machine without vagrant-libvirt.
var ErrNoVagrant = errors.New("vagrant-libvirt is not installed")

// MakeVagrant makes what Vagrant needs in the folder: its home, a box of an empty disk, and a storage pool.
func (s *Subject) MakeVagrant(ctx context.Context, folder string) error {
	if _, err := exec.LookPath("vagrant"); err != nil {
		return ErrNoVagrant
	}
	dir := filepath.Join(folder, "vagrant")
	err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "Vagrantfile"), vagrantfile, 0o644))
	if err != nil {
		return err
	}
	sh := fmt.Sprintf(vagrant, s.URI)
	plugins, err := run(ctx, folder, sh+"vagrants 0 plugin list; cat vagrant/vagrant.log")
	if err != nil {
		return err
	}
	if !strings.Contains(plugins, "vagrant-libvirt") {
		return ErrNoVagrant
	}
	if _, err := run(ctx, folder, sh+emptyBox); err != nil {
		return err
	}
	s.Vagrant = true
	return nil
}

// besideVagrant are the comparisons with vagrant-libvirt: its `up` defines and starts.
func (s Subject) besideVagrant(nodes int) []Case {
	ours, theirs := s.ours(fmt.Sprintf("up nodes=%d", nodes)), fmt.Sprintf("vagrants %d up", nodes)
	clean := s.sh() + s.ours("down yes=true") + " && vagrants_away"
	return []Case{
		{Name: "nodes defined and started", Nodes: nodes, Peer: Vagrant, Ours: ours, Theirs: s.sh() + theirs, Before: clean, BeforeTheirs: clean, After: clean},
		{
			Name: "nothing to do", Nodes: nodes, Peer: Vagrant, Ours: ours, Theirs: s.sh() + theirs,
			Before: clean + " && " + ours, BeforeTheirs: clean + " && " + theirs, After: clean,
		},
		{
			Name: "nodes removed", Nodes: nodes, Peer: Vagrant, Ours: s.ours("down yes=true"), Theirs: s.sh() + "vagrants_away",
			Before: clean + " && " + ours, BeforeTheirs: clean + " && " + theirs, After: clean,
		},
	}
}
