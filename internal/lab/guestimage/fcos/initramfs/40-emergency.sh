#!/bin/sh
# What the console says when a unit of the initramfs fails: systemd's line, the units' last log lines, dracut's shell; without
# an answer the node reboots. The journal goes to the host.
# Source: coreos/fedora-coreos-config, overlay.d/05core/usr/lib/dracut/modules.d/99emergency-shell-setup/emergency-shell.sh;
# coreos/fedora-coreos-config, …/99emergency-shell-setup/ignition-virtio-dump-journal.service; dracut-ng/dracut, dracut-emergency.
emergency() {
  dump_journal &
  unit=ignition-$1.service
  {
    echo "[FAILED] Failed to start $unit - Ignition ($1)."
    echo "See 'systemctl status $unit' for details."
    echo "------"
    echo "Ignition has failed. Please ensure your config is valid. Note that only"
    echo "Ignition spec v3.0.0+ configs are accepted."
    echo "------"
    echo "Displaying logs from failed units: $unit"
    tail -n 10 /run/ignition.log | sed 's/^/ignition[300]: /'
    echo
    echo "Generating \"/run/initramfs/rdsosreport.txt\""
    echo "Entering emergency mode. Exit the shell to continue."
    echo "Type \"journalctl\" to view system logs."
    echo "Press Enter for emergency shell or wait 5 minutes for reboot."
  } >/dev/console
  # shellcheck disable=SC3045 # busybox has -t
  if read -r -t 300 _ </dev/console; then setsid sh -c 'exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'; fi
  reboot -f
}
