# Runs in new mount and network namespaces: makes the lab's host there and holds it until it is killed.
# Arguments: state folder, cache folder, store of images, bridge, its address, the file that tells that all is made.
set -euo pipefail
dir=$1 cache=$2 store=$3 bridge=$4 address=$5 made=$6

# this network's devices in /sys, where libvirt looks for bridges
mount -t sysfs sysfs /sys
# a copy of /etc, in memory: what is mounted on a single file goes as soon as the real host renames another over it, as
# useradd does with /etc/passwd (detached mounts: Linux commit 8ed936b5671b)
mkdir -p "$dir/host-etc"
mount -t tmpfs -o mode=0700 tmpfs "$dir/host-etc"
mkdir "$dir/host-etc/all"
cp -ax /etc/. "$dir/host-etc/all"
findmnt -nlo TARGET | while read -r mounted; do # a container's resolv.conf, or a file system
  case $mounted in /etc/*) mount --bind "$mounted" "$dir/host-etc/all${mounted#/etc}" ;; esac
done
mount --rbind "$dir/host-etc/all" /etc
# the network's name server is the lab's own; the real host's, and what else its libc would ask, cannot be reached from here
[ -e /etc/resolv.conf ] || { rm -f /etc/resolv.conf && touch /etc/resolv.conf; }
mount --bind "$dir/resolv.conf" /etc/resolv.conf
if [ -e /etc/nsswitch.conf ]; then
  sed 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf >"$dir/nsswitch.conf"
  mount --bind "$dir/nsswitch.conf" /etc/nsswitch.conf
fi
# ssh reaches the lab's hypervisors by name
mkdir -p /etc/ssh
printf '%s\n' "Include $dir/ssh/config" "$(cat /etc/ssh/ssh_config 2>/dev/null)" >/etc/ssh/ssh_config
mkdir -p /etc/libvirt
# libvirt's folders are the lab's own; no D-Bus, so that no daemon of the real host hears of its guests
for folder in /etc/libvirt /run/lock /run/libvirt /run/dbus /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
  # a mount needs a folder on the real host: labdown removes those that lacked
  [ -d "$folder" ] || echo "$folder" >>"$(dirname "$dir")/folders"
  mkdir -p "$folder"
done
mount --bind "$dir/etc" /etc/libvirt
mkdir -p "$dir/store"
mount --bind "$store" "$dir/store"
for folder in /run/lock /run/libvirt /run/dbus /var/lib/libvirt /var/log/libvirt; do # in /run/lock libvirtd locks the channels of guests by their names
  mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
mount --bind "$cache" /var/cache/libvirt
# the store may be in one of these folders
mkdir -p "$store"
mount --move "$dir/store" "$store"
# libvirt wants to know Debian's user for QEMU, though this one never is it; a package makes it that would
# also start a libvirtd on the real host
getent passwd libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>/etc/passwd
getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:" >>/etc/group

ip link set lo up
ip link add "$bridge" type bridge stp_state 0
ip address add "$address" dev "$bridge"
ip link set "$bridge" up

touch "$made"
exec sleep infinity
