#!/bin/bash
# Runs in mount, network and process namespaces of its own, as root: makes a small world in the folder $1, and runs the
# script $2 there under the bash $3. In that world /usr is read-only, and PATH leads to the programs $4 (names with
# spaces between them) and to what is in the folder $5. The virtio port is the file $6 outside.
set -euo pipefail
world=$1 script=$2 bash=$3 programs=$4 standins=$5 port=$6
mount -t tmpfs tmpfs "$world"
cd "$world"
mkdir -p usr proc sys dev/virtio-ports etc/ssh var/lib run tmp path script
mount --bind /usr usr
mount -o remount,bind,ro usr
mount -t tmpfs tmpfs usr/local
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$folder"; done
mount --bind "$bash" usr/bin/bash
mount -t proc proc proc
mount -t sysfs sysfs sys
for device in null urandom; do
  : >dev/$device
  mount --bind /dev/$device dev/$device
done
: >dev/virtio-ports/org.coreos.ready
mount --bind "$port" dev/virtio-ports/org.coreos.ready
cp /etc/ld.so.cache /etc/passwd /etc/group etc/
for program in $programs; do
  if at=$(command -v "$program"); then ln -s "$(readlink -f "$at")" "path/$program"; fi
done
cp -a "$standins/." path/
ln -sf /usr/bin/bash path/bash
ln -sf /usr/bin/bash path/sh
cp "$script" script/run
ip link set lo up
ip address add 10.9.8.7/24 dev lo scope global
exec env -i PATH=/path HOSTNAME=world /usr/sbin/chroot . /usr/bin/bash /script/run
