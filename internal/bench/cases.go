package bench

import "fmt"

// Subject is what is measured: this project's program, and where it finds what it needs.
type Subject struct {
	Program string // the targets, as a program
	URI     string // of libvirt
	Butane  string // the program
}

// peers is what the bash script did, as a function of sh: the document by sed, the overlay, the definition by virt-install. Nodes are
// not booted by it: `start` is a case of its own.
const peers = `seed() { i=1; while [ $i -le $1 ]; do n=$(printf seed%%02d $i); mkdir -p seed/$n; sed "s/Node_Name/$n/g" template.json >seed/$n/ignition.json
qemu-img create -q -f qcow2 -F qcow2 -b "$PWD/base.qcow2" seed/$n/$n.qcow2
virt-install --connect %[1]s --name $n --ram 256 --vcpus 1 --cpu host --import --osinfo generic --disk path="$PWD/seed/$n/$n.qcow2",bus=virtio --network none --virt-type qemu \
 --graphics none --noautoconsole --qemu-commandline="-fw_cfg name=opt/com.coreos/config,file=$PWD/seed/$n/ignition.json" --print-xml >seed/$n/domain.xml
virsh -q -c %[1]s define seed/$n/domain.xml >/dev/null; i=$((i+1)); done; }
each() { for n in $(virsh -c %[1]s list --all --name | grep "^seed[0-9]"); do virsh -q -c %[1]s $* $n >/dev/null || true; done; }
`

// Cases are the comparisons for clusters of these sizes.
func (s Subject) Cases(sizes []int) (all []Case) {
	sh := fmt.Sprintf(peers, s.URI)
	ours := fmt.Sprintf("COREOS_PREFIX=bench COREOS_CONFIG=plain.yml COREOS_IMAGE=base.qcow2 COREOS_READY=off COREOS_VERIFY=off COREOS_ACCEL=tcg COREOS_RAM=256 COREOS_VCPU=1 COREOS_URI=%s %s ", s.URI, s.Program)
	clean := sh + ours + "down yes=true; each destroy; each undefine; rm -rf seed"
	for _, n := range sizes {
		define := fmt.Sprintf("%sdefine nodes=%d", ours, n)
		seed := fmt.Sprintf("%sseed %d", sh, n)
		all = append(all,
			Case{Name: "nodes defined", Nodes: n, Peer: Script, Ours: define, Theirs: seed, Before: clean, After: clean},
			Case{
				Name: "nodes started", Nodes: n, Peer: Script, Ours: fmt.Sprintf("%sup nodes=%d", ours, n), Theirs: sh + "each start",
				Before: clean + "; " + define + " && " + seed, After: clean,
			},
			Case{Name: "nothing to do", Nodes: n, Ours: fmt.Sprintf("%sup nodes=%d", ours, n), Before: fmt.Sprintf("%sup nodes=%d", ours, n), After: clean})
	}
	return append(all, Case{Name: "transpile", Nodes: 1, Peer: Butane, Ours: ours + "transpile", Theirs: s.Butane + " plain.yml >out.json"})
}
