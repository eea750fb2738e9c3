# Programs ask systemd-resolved itself: it knows the names that no DNS server knows, and to which server each network's names go.
# Source: coreos/fedora-coreos-config, tests/kola/networking/resolv/systemd-resolved.
ln -s ../run/systemd/resolve/stub-resolv.conf root/etc/resolv.conf
