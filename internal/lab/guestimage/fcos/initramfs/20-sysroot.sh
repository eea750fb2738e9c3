#!/bin/sh
# /usr is read-only, and nothing new can be made in /. Ignition meets them so.
# Source: coreos/fedora-coreos-config, overlay.d/08composefs/usr/lib/ostree/prepare-root.conf; ostreedev/ostree (immutable deployment).
mount_root() {
  mount -t ext4 -o rw,noatime /dev/vda2 /sysroot &&
    mount -o bind /sysroot/usr /sysroot/usr && mount -o remount,bind,ro /sysroot/usr &&
    of_root /usr/bin/chattr +i /sysroot
}
