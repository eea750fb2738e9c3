# Runs in new mount and network namespaces: makes the lab's host there and holds it until it is killed.
# Arguments: state folder, cache folder, store of images, bridge, its address, the file that tells that all is made.
set -euo pipefail
dir=$1 cache=$2 store=$3 bridge=$4 address=$5 made=$6

# this network's devices in /sys, where libvirt looks for bridges
mount -t sysfs sysfs /sys
# libvirt's folders are the lab's own; no D-Bus, so that no daemon of the real host hears of its guests
for folder in /etc/libvirt /run/lock /run/libvirt /run/dbus /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
  # a mount needs a folder on the real host: labdown removes those that lacked
  [ -d "$folder" ] || echo "$folder" >>"$(dirname "$dir")/folders"
  mkdir -p "$folder"
done
mount --bind "$dir/etc" /etc/libvirt
mkdir -p "$dir/store"
mount --bind "$store" "$dir/store"
for folder in /run/libvirt /run/dbus /var/lib/libvirt /var/log/libvirt; do
  mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
mount --bind "$cache" /var/cache/libvirt
# the store may be in one of these folders
mkdir -p "$store"
mount --move "$dir/store" "$store"
# libvirt wants to know Debian's user for QEMU, though this one never is it; a package makes it that would
# also start a libvirtd on the real host
for database in passwd group; do
  cp "/etc/$database" "$dir/$database"
  mount --bind "$dir/$database" "/etc/$database"
done
getent passwd libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>/etc/passwd
getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:" >>/etc/group

ip link set lo up
ip link add "$bridge" type bridge stp_state 0
ip address add "$address" dev "$bridge"
ip link set "$bridge" up

touch "$made"
exec sleep infinity
