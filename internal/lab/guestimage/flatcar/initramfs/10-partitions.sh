#!/bin/sh
# Partitions by their GPT labels, /usr read-only from one of its own, and the OEM partition at /oem.
# Source: flatcar/scripts, build_library/disk_layout.json; flatcar/bootengine, dracut/10usr-generator and
# dracut/30ignition/ignition-files.service (RequiresMountsFor=/sysroot/usr/ /sysroot/oem/).
labelled() {
  uevent=$(grep -lx "PARTNAME=$1" /sys/class/block/*/uevent) || return
  uevent=${uevent%/uevent}
  echo "/dev/${uevent##*/}"
}

mount_root() {
  mount -t ext4 -o rw,noatime "$(labelled ROOT)" /sysroot &&
    mount -t ext4 -o ro "$(labelled USR-A)" /sysroot/usr &&
    mount -t ext4 -o rw,noatime "$(labelled OEM)" /sysroot/oem
}
