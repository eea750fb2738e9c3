#!/bin/sh
# systemd's status lines reach ttyS0, the last console, and the journal of the initramfs the kernel's log, from which they reach it, too.
# Source: coreos/fedora-coreos-config, overlay.d/05core/usr/lib/dracut/modules.d/99journal-conf/00-journal-log-forwarding.conf;
# coreos/ignition, dracut/30ignition (names and order of the units).
begins() { echo "         Starting ignition-$1.service - Ignition ($1)..." >/dev/console; }
ends() {
  grep -E 'WARN|ERR|CRITICAL|op\([0-9a-f]*\): \[finished\]' /run/ignition.log | sed 's/^/<6>ignition[300]: /' >/dev/kmsg
  echo "[  OK  ] Finished ignition-$1.service - Ignition ($1)." >/dev/console
}
