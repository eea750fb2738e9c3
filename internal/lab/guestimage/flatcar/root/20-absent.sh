# Docker instead of Podman and Quadlet, systemd-networkd instead of NetworkManager, no perl.
# Source: flatcar/scripts, coreos-overlay/coreos-base/coreos/coreos-0.0.1.ebuild (what is in the image).
rm -f root/usr/bin/{podman,nmcli,nm-online} root/usr/sbin/NetworkManager root/usr/bin/perl* \
  root/usr/lib/systemd/system/{,dbus-org.freedesktop.}{podman,NetworkManager,nm-}* root/usr/lib/systemd/system-generators/podman-system-generator \
  root/etc/systemd/system/{,*/}{,dbus-org.freedesktop.}{podman,NetworkManager,nm-}*
