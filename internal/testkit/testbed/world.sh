# Runs in new mount, network and pid namespaces: makes a host there, with a card eth0 on a network whose DHCP
# server is outside, and runs a program in it. Nothing of it outlives that program.
# Arguments: who manages the card (networkmanager, networkd, ifupdown or nobody), the program and its arguments.
set -euo pipefail
export PATH=/usr/local/sbin:$PATH # where tests put programs of their own
manager=$1
shift

# read-only, /sys tells that no udev will say when a card is ready
mount -t sysfs -o ro sysfs /sys
# the real one's files below, what is written goes with this host
mount -t tmpfs tmpfs /mnt
for folder in etc var usr; do
  mkdir -p "/mnt/$folder/upper" "/mnt/$folder/work"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work" "/$folder"
done
for folder in /run /etc/NetworkManager /var/lib/NetworkManager /etc/systemd/network; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
mkdir /etc/NetworkManager/system-connections && chmod 700 /etc/NetworkManager/system-connections
mkdir -p /run/dbus /run/lock /run/systemd/network
touch /run/coreos-libvirt-testbed
sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 || true

ip link set lo up
unshare --net -- sleep infinity &
outside=$!
echo "$outside" >/run/outside.pid
until [ "$(readlink "/proc/$outside/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add eth0 address 02:00:00:00:00:10 type veth peer name uplink netns "$outside"
nsenter --target "$outside" --net -- bash -ec 'ip link set lo up; ip address add 10.78.0.1/24 dev uplink; ip link set uplink up
exec dnsmasq --conf-file=/dev/null --user=root --port=0 --interface=uplink --bind-dynamic \
  --dhcp-range=10.78.0.100,10.78.0.200,1h --dhcp-authoritative --no-ping --dhcp-leasefile=/run/leases \
  --pid-file=/run/dnsmasq.pid --log-facility=/run/dnsmasq.log --log-dhcp'

dbus-daemon --system --fork --nopidfile
case $manager in
  networkmanager)
    printf '[main]\ndhcp=internal\ndns=none\nplugins=keyfile\n[keyfile]\nunmanaged-devices=interface-name:guest*\n' >/etc/NetworkManager/NetworkManager.conf
    NetworkManager --no-daemon >/run/NetworkManager.log 2>&1 &
    ;;
  networkd)
    printf '[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n\n[DHCPv4]\nUseMTU=true\n' >/etc/systemd/network/80-wired.network
    /usr/lib/systemd/systemd-networkd >/run/networkd.log 2>&1 &
    ;;
  ifupdown)
    mkdir -p /run/network
    printf '# the card\nallow-hotplug eth0\niface eth0 inet dhcp\n    metric 7\n' >/etc/network/interfaces.d/eth0
    ifup eth0 >/run/ifup.log 2>&1
    ;;
  nobody)
    ip link set eth0 up
    ip address add 10.78.0.50/24 dev eth0
    ip route add default via 10.78.0.1
    ;;
esac
for _ in $(seq 3000); do # which only a host that hangs takes
  if ip -4 -oneline address show dev eth0 | grep -q 10.78.0; then
    exec "$@"
  fi
  sleep 0.1
done
echo "eth0 has no address" >&2
cat /run/*.log >&2
exit 1
