#!/bin/sh
# A failed Ignition says so on /dev/console, which is the screen, asks there for Enter, and reboots after 300 seconds. No unit
# writes the journal to the host, and nothing of it is seen on ttyS0.
# Source: flatcar/bootengine, dracut/99emergency-timeout/timeout.sh; flatcar/Flatcar issue 2001.
emergency() {
  {
    echo "Ignition has failed. Please ensure your config is valid."
    echo "Here are the Ignition logs:"
    cat /run/ignition.log
    echo "Press Enter for emergency shell or wait 5 minutes for reboot."
  } >/dev/console
  # shellcheck disable=SC3045 # busybox has -t
  if read -r -t 300 _ </dev/console; then sh </dev/console >/dev/console 2>&1; fi
  echo "Rebooting." >/dev/console
  reboot -f
}
