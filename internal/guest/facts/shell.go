package facts

import "strings"

func shell() []Fact {
	there := func(d Distribution) string {
		names, _ := ProgramsOf(d)
		return "missing=\nfor p in " + strings.Join(names, " ") + "; do command -v $p >/dev/null || missing=\"$missing $p\"; done\necho \"missing:${missing:- none}\"\ntest -z \"$missing\""
	}
	absent := func(d Distribution) string {
		_, names := ProgramsOf(d)
		return "there=\nfor p in " + strings.Join(names, " ") + "; do command -v $p >/dev/null && there=\"$there $p\"; done\necho \"there:${there:- none}\"\ntest -z \"$there\""
	}
	// A bash without it takes the path for a file's.
	redirection := "said=$(LC_ALL=C bash -c ': </dev/tcp/127.0.0.1/9' 2>&1)\necho \"$said\"\ncase $said in *'%s'*) ;; *) false ;; esac"
	says := func(what string) string { return strings.Replace(redirection, "%s", what, 1) }
	return []Fact{
		{
			ID: "release", Topic: "Shell and programs", Needed: "to know what a report is about",
			Claims: map[Distribution]Claim{FCOS: {Is: "not read: it is the image's", Tells: release}, Flatcar: {Is: "not read: it is the image's", Tells: release}, Lab: {Is: "Debian 12", Check: release + " | grep 'Debian GNU/Linux 12'"}, LabFCOS: {Is: "Debian 12 with a name of its own", Tells: release}, LabFlatcar: {Is: "Debian 12 with a name of its own", Tells: release}},
		},
		{
			ID: "bash-network", Topic: "Shell and programs", Needed: "scripts for nodes use no /dev/tcp and no /dev/udp",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "bash 5.2; how it is built was not read", Tells: says("")},
				Flatcar:    {Is: "bash is built without network redirections (`-net`): /dev/tcp is a file that is not there", From: overlay("profiles/coreos/targets/generic/package.use"), Check: says("No such file")},
				Lab:        {Is: "Debian's bash has network redirections, so it hides scripts that use them", From: labPackages, Check: says("onnect")},
				LabFlatcar: {Is: "bash of Debian's source, built with --disable-net-redirections", Check: says("No such file")},
			},
		},
		{
			ID: "programs", Topic: "Shell and programs", Needed: "scripts and units of nodes call these and no others",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "those of the table in docs/distributions.md", From: fcosPackages, Check: there(FCOS)},
				Flatcar:    {Is: "those of the table in docs/distributions.md", From: flatcarPackages, Check: there(Flatcar)},
				Lab:        {Is: "those of the table in docs/distributions.md", From: labPackages, Check: there(Lab)},
				LabFlatcar: {Is: "those of the table in docs/distributions.md, but for the folder's old name /usr/lib/coreos", Check: strings.Replace(there(Flatcar), " /usr/lib/coreos/etcd-wrapper", "", 1)},
			},
		},
		{
			ID: "no-programs", Topic: "Shell and programs", Needed: "scripts for nodes do without them",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "perl and python are kept out, and netcat is not in it", From: fcosPackages, Check: absent(FCOS)},
				Flatcar: {Is: "perl and python are masked; Podman and Python are optional system extensions", From: append(flatcarPackages, scripts("build_library/extra_sysexts.sh")...), Check: absent(Flatcar)},
				Lab:     {Is: "perl is in it, python is not", From: labPackages, Check: absent(Lab)},
			},
		},
		{
			ID: "ip-json", Topic: "Shell and programs", Needed: "the readiness report has the addresses as `ip -j` prints them",
			Claims: everywhere("`ip -j address` prints JSON (iproute2)", "ip -j address show up | head -c 60; ip -j address show up | grep -q '^\\[{'"),
		},
		{
			ID: "core-sudo", Topic: "Shell and programs", Needed: "`mage ssh`, and this check itself: core becomes root without a password",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "core is in the group sudo, which needs no password", From: append(fcosOverlay("05core/etc/sudoers.d/coreos-sudo-group"), fcosOverlay("05core/usr/lib/dracut/modules.d/40ignition-conf/00-core.ign")...), Check: byRoot},
				Flatcar: {Is: "core becomes root without a password", Check: byRoot},
				Lab:     {Is: "core becomes root without a password", From: lab("internal/lab/guestimage/rootfs/etc/sudoers.d/core"), Check: byRoot},
			},
		},
	}
}

const release = `. /etc/os-release && echo "$PRETTY_NAME, Linux $(uname -r)"`

// byRoot says who runs the check.
const byRoot = `echo "$(id -un) by sudo of ${SUDO_USER:-nobody}"; test "$(id -u)" = 0 && test "$SUDO_USER" = core`

// everywhere is one claim about all distributions, which was not read.
func everywhere(is, check string) map[Distribution]Claim {
	claim := Claim{Is: is, Check: check}
	return map[Distribution]Claim{FCOS: claim, Flatcar: claim, Lab: claim}
}
