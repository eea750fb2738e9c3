package facts

import (
	"slices"
	"strings"
)

// Program is a program and the package that has it in each distribution, empty where it is not there.
type Program struct {
	Name               string
	Path               string // where it is, if units or scripts call it by that
	FCOS, Flatcar, Lab string
}

// Where the packages of a distribution are listed.
var (
	fcosPackages    = fcosIn("manifest-lock.x86_64.json", "manifests/fedora-coreos.yaml")
	flatcarPackages = overlay("coreos-base/coreos/coreos-0.0.1.ebuild", "profiles/coreos/targets/generic/prod/package.mask")
	labPackages     = lab("rootfs.sh")
)

// coreutils are the programs of that package that files for nodes may call: everything of GNU's.
var coreutils = strings.Fields("base64 basename cat chmod chown cp cut date dirname echo env head id install ln ls mkdir mktemp mv od paste printf readlink rm rmdir sleep sort stat sync tail tee test timeout touch tr true uname uniq wc")

// Programs are those that files for nodes may want, whether there or not.
var Programs = slices.Concat(ofCoreutils(), []Program{
	{Name: "bash", Path: "/bin/bash", FCOS: "bash", Flatcar: "app-shells/bash", Lab: "bash"},
	{Name: "sh", Path: "/bin/sh", FCOS: "bash", Flatcar: "app-shells/bash", Lab: "root.sh's link to bash"},
	{Name: "awk", FCOS: "gawk", Flatcar: "app-alternatives/awk", Lab: "mawk"},
	{Name: "curl", FCOS: "curl", Flatcar: "net-misc/curl", Lab: "curl"},
	{Name: "docker", Path: "/usr/bin/docker", FCOS: "moby-engine", Flatcar: "app-containers/docker-cli, in a system extension", Lab: "docker.io"},
	{Name: "grep", FCOS: "grep", Flatcar: "sys-apps/grep", Lab: "grep"},
	{Name: "ip", FCOS: "iproute", Flatcar: "sys-apps/iproute2", Lab: "iproute2"},
	{Name: "journalctl", FCOS: "systemd", Flatcar: "sys-apps/systemd", Lab: "systemd"},
	{Name: "jq", FCOS: "jq", Flatcar: "app-misc/jq", Lab: "jq"},
	{Name: "nc", Flatcar: "net-analyzer/openbsd-netcat", Lab: "netcat-openbsd"},
	{Name: "perl", Lab: "perl-base, of Debian's smallest system"},
	{Name: "podman", Path: "/usr/bin/podman", FCOS: "podman", Lab: "podman"},
	{Name: "python3"},
	{Name: "sed", FCOS: "sed", Flatcar: "sys-apps/sed", Lab: "sed"},
	{Name: "socat", FCOS: "socat", Flatcar: "net-misc/socat", Lab: "socat"},
	{Name: "ssh-keygen", FCOS: "openssh", Flatcar: "net-misc/openssh", Lab: "openssh-client"},
	{Name: "ssh-keyscan", FCOS: "openssh-clients", Flatcar: "net-misc/openssh", Lab: "openssh-client"},
	{Name: "systemctl", FCOS: "systemd", Flatcar: "sys-apps/systemd", Lab: "systemd"},
	{Name: "udevadm", FCOS: "systemd-udev", Flatcar: "sys-apps/systemd", Lab: "udev"},
	{Name: "etcd-wrapper", Path: "/usr/lib/flatcar/etcd-wrapper", Flatcar: "app-admin/etcd-wrapper"},
	{Name: "etcd-wrapper of old configs", Path: "/usr/lib/coreos/etcd-wrapper", Flatcar: "app-admin/etcd-wrapper; coreos-init's link of the folder"},
})

func ofCoreutils() (programs []Program) {
	for _, name := range coreutils {
		programs = append(programs, Program{Name: name, FCOS: "coreutils", Flatcar: "sys-apps/coreutils", Lab: "coreutils"})
	}
	return programs
}

// On reports whether the distribution has the program.
func (p Program) On(d Distribution) bool { return p.in(d) != "" }

func (p Program) in(d Distribution) string {
	switch d.StandsFor() {
	case FCOS:
		return p.FCOS
	case Flatcar:
		return p.Flatcar
	}
	return p.Lab
}

// ProgramsOf are the names of the programs that the distribution has, and of those that it has not.
func ProgramsOf(d Distribution) (there, missing []string) {
	for _, p := range Programs {
		name := p.Name
		if strings.HasPrefix(p.Path, "/usr/lib/") {
			name = p.Path
		}
		if p.On(d) {
			there = append(there, name)
		} else {
			missing = append(missing, name)
		}
	}
	return there, missing
}
