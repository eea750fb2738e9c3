# Makes a small world and runs run.sh in it: an empty root with this host's programs, read-only, and a folder for the node. What
# is written goes into memory, of which there is a limit. Arguments: a folder with run.sh, doc.json and an empty root/;
# ignition-apply; quadlet.
set -e
dir=$1 apply=$2 quadlet=$3

# shows what this host has at $1 at $2, read-only, and all that is mounted below it: each with the options that it has, as only the
# root of this host may take some away (mount_namespaces(7)), or show a folder without what is mounted in it
show() {
  mount --rbind "$1" "$2"
  grep -F "/root/$2" /proc/self/mountinfo | while read -r _ _ _ _ at options _; do
    at=$(printf %b "$at") # a space is \040 there
    case $at in "$(pwd -P)/$2" | "$(pwd -P)/$2"/*) mount -o "remount,bind,ro${options#r[wo]}" "$at" ;; esac
  done
}

mount --make-rprivate /
mount -t tmpfs -o size=64m,nr_inodes=16k,mode=755,nosuid,nodev verify "$dir/root"
cd "$dir/root"
mkdir usr etc dev proc tmp run in node old
mount -t tmpfs -o size=16m,nr_inodes=1k,nosuid,nodev said tmp # where the node's files cannot use up all room
set --
for folder in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$folder" ]; then
    set -- "$@" "/$folder"
  elif [ -d "/$folder" ]; then
    mkdir "$folder"
    show "/$folder" "$folder"
  fi
done
[ $# = 0 ] || cp -P "$@" .
show /usr usr
cp "$dir/run.sh" "$dir/doc.json" in/
: >in/ignition-apply
show "$apply" in/ignition-apply
: >in/quadlet
show "$quadlet" in/quadlet
[ ! -e /etc/ld.so.cache ] || cp /etc/ld.so.cache etc/
echo 'root:x:0:0:root:/:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
: >dev/null
mount --bind /dev/null dev/null
if grep -q '/etc/systemd/network/[^"]*[.]link' in/doc.json; then # udev wants to see a card
  mkdir sys
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys 2>/dev/null || true
fi
mount -t proc proc proc 2>/dev/null || mount --rbind /proc proc
pivot_root . old
cd /
umount -l old
rmdir old
ulimit -t 20
ulimit -f 65536 # of 512 bytes
ulimit -n 256
ulimit -c 0
exec setpriv --no-new-privs --bounding-set=-all,+net_admin --inh-caps=-all /bin/sh /in/run.sh
