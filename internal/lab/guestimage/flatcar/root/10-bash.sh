# bash without /dev/tcp and /dev/udp.
# Source: flatcar/scripts, coreos-overlay/profiles/coreos/targets/generic/package.use, "app-shells/bash -net".
install bash root/usr/bin/bash
