#!/bin/sh
# Ignition's config is read from opt/org.flatcar-linux/config.
# Source: flatcar/scripts, coreos-overlay/sys-apps/ignition/files/0007-provider-qemu-apply-fw_cfg-patch.patch. That reads
# opt/com.coreos/config, too; the stand-in does not, so that a host which writes the wrong key is found out. Ignition's own key is
# a copy of the right one here.
before_ignition() {
  keys=/sys/firmware/qemu_fw_cfg/by_name
  for file in raw size; do cat $keys/opt/org.flatcar-linux/config/$file >/tmp/$file; done 2>/dev/null
  mount -t tmpfs tmpfs $keys
  if [ -s /tmp/size ]; then
    mkdir -p $keys/opt/com.coreos/config
    mv /tmp/raw /tmp/size $keys/opt/com.coreos/config/
  fi
}

before_switch_root() { umount /sys/firmware/qemu_fw_cfg/by_name 2>/dev/null; }
