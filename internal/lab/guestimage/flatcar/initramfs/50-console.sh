#!/bin/sh
# Ignition's log goes to the journal and from there to /dev/console, which is the screen.
# Source: flatcar/bootengine, dracut/99journald-conf/00-forward-to-console.conf.
begins() { echo "Starting ignition-$1.service - Ignition ($1)..." >/dev/console; }
ends() { sed 's/^/ignition: /' /run/ignition.log >/dev/console; }
