# Ignition that sets SELinux' labels, by a policy's file contexts. No policy is loaded afterwards: Debian's would not be Fedora's.
# Source: coreos/ignition, internal/distro/distro.go (selinuxRelabel), internal/exec/util/selinux.go.
install ignition-relabel root/usr/lib/ignition/ignition
