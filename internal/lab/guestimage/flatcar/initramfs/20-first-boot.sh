#!/bin/sh
# GRUB tells the first boot by a file on the EFI system partition, which goes when Ignition has run.
# Source: flatcar/scripts, build_library/grub.cfg ("flatcar.first_boot=detected"); flatcar/bootengine,
# dracut/30ignition/ignition-quench.service.
first_boot() { grep -q flatcar.first_boot=detected /proc/cmdline; }

after_ignition() {
  mkdir -p /esp
  if ! mount -t vfat "$(labelled EFI-SYSTEM)" /esp || ! rm /esp/flatcar/first_boot; then emergency quench; fi
  umount /esp
}
