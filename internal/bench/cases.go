package bench

import (
	"context"
	"fmt"
)

// Subject is what is measured: this project's program, and where it finds what it needs.
type Subject struct {
	Program string // the targets, as a program
	URI     string // of libvirt
	Butane  string // the program
	Vagrant bool   // vagrant-libvirt is measured, too
	Server  string // base URL of a server of images, as Fedora CoreOS' is
}

// peers is what the bash script did, as functions of sh: the document by sed, the overlay, the definition by virt-install. Nodes are
// not booted by it: `start` is a case of its own. Only domains that were defined here are touched again.
const peers = `seed() { i=1; while [ $i -le $1 ]; do n=$(printf bench-virsh-%%02d $i); mkdir -p seed/$n; sed "s/Node_Name/$n/g" template.json >seed/$n/ignition.json
qemu-img create -q -f qcow2 -F qcow2 -b "$PWD/base.qcow2" seed/$n/$n.qcow2
virt-install --connect %[1]s --name $n --ram 256 --vcpus 1 --cpu host --import --osinfo generic --disk path="$PWD/seed/$n/$n.qcow2",bus=virtio --network none --virt-type qemu \
 --graphics none --noautoconsole --qemu-commandline="-fw_cfg name=opt/com.coreos/config,file=$PWD/seed/$n/ignition.json" --print-xml >seed/$n/domain.xml
virsh -q -c %[1]s define seed/$n/domain.xml >/dev/null && touch seed/$n/defined || return 1; i=$((i+1)); done; }
each() { for d in seed/*/defined; do test -e $d || continue; n=${d#seed/}; virsh -q -c %[1]s $* ${n%%/defined} >/dev/null || true; done; }
seed_away() { each destroy 2>/dev/null; each undefine; rm -rf seed; }
`

// sh are the functions of all peers.
func (s Subject) sh() string { return fmt.Sprintf(peers+vagrant, s.URI) }

// ours is a command of this project.
func (s Subject) ours(words string) string {
	const settings = "COREOS_PREFIX=bench COREOS_CONFIG=plain.yml COREOS_IMAGE=base.qcow2 COREOS_READY=off COREOS_VERIFY=off COREOS_ACCEL=tcg COREOS_RAM=256 COREOS_VCPU=1"
	return fmt.Sprintf("%s COREOS_URI=%s %s %s", settings, s.URI, s.Program, words)
}

// Cases are the comparisons for clusters of these sizes.
func (s Subject) Cases(sizes []int) (all []Case) {
	all = append(all, Case{Name: "transpile", Peer: Butane, Ours: s.ours("transpile"), Theirs: s.Butane + " plain.yml >out.json"})
	if s.Server != "" {
		all = append(all, s.fetch())
	}
	for _, n := range sizes {
		all = append(all, s.besideScript(n)...)
		if s.Vagrant && n <= mostVagrant {
			all = append(all, s.besideVagrant(n)...)
			continue
		}
		up := s.ours(fmt.Sprintf("up nodes=%d", n))
		all = append(all, Case{Name: "nothing to do", Nodes: n, Ours: up, Before: up, After: s.ours("down yes=true")})
	}
	return all
}

// besideScript are the comparisons with what the bash script did. While one is measured, nothing of the other is there.
func (s Subject) besideScript(nodes int) []Case {
	define, up := s.ours(fmt.Sprintf("define nodes=%d", nodes)), s.ours(fmt.Sprintf("up nodes=%d", nodes))
	seed := fmt.Sprintf("seed %d", nodes)
	clean := s.sh() + s.ours("down yes=true") + " && seed_away"
	return []Case{
		{Name: "nodes defined", Nodes: nodes, Peer: Script, Ours: define, Theirs: s.sh() + seed, Before: clean, BeforeTheirs: clean, After: clean},
		{
			Name: "nodes started", Nodes: nodes, Peer: Script, Ours: up, Theirs: s.sh() + "each start",
			Before: clean + " && " + define, BeforeTheirs: clean + " && " + seed, After: clean,
		},
	}
}

// Clean takes away what a run left in libvirt, if it came so far. The folder is what the run worked in.
func (s Subject) Clean(ctx context.Context, folder string) error {
	_, err := run(ctx, folder, "test -d vm || exit 0\n"+s.ours("down yes=true")+"\n"+s.sh()+"seed_away; vagrants_away; pool")
	return err
}
