# NetworkManager instead of systemd-networkd, no perl.
# Source: coreos/fedora-coreos-config, manifests/fedora-coreos.yaml ("exclude-packages"), manifests/networking-tools.yaml.
rm -f root/usr/bin/perl* root/usr/bin/nc* root/usr/lib/systemd/system/systemd-network*.* root/usr/lib/systemd/systemd-networkd* root/usr/bin/networkctl \
  root/etc/systemd/system/{,*/}{,dbus-org.freedesktop.}{systemd-,}network1* root/usr/lib/systemd/system/dbus-org.freedesktop.network1* root/etc/systemd/system/*/systemd-network* root/etc/systemd/network/* root/etc/resolv.conf root/usr/lib/systemd/system/selinux-autorelabel*
