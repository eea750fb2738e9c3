#!/bin/bash
# Writes the address that the other nodes reach this one by to /run/metadata/coreos, under the name that
# Container Linux Configs use for {PRIVATE_IPV4} on hosts that are no cloud's.
own_address() { # that of the default route, or else the first
  ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' | grep . ||
    ip -4 -o address show up scope global | sed -n '1s/.* inet \([0-9.]*\).*/\1/p' | grep .
}
until address=$(own_address); do sleep 0.5; done
mkdir -p /run/metadata
echo "COREOS_CUSTOM_PRIVATE_IPV4=$address" >/run/metadata/coreos
