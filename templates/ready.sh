#!/bin/sh
# Runs in every node: tells the host, on a virtio channel, how far the node is on its way to be reached. One JSON line
# a report (internal/guest/report.go reads it). "network" and "sshd" are the uptime at which each was there or, before
# that, the reason why not, in quotes. A write waits until the host listens, so a node that nobody asks does nothing.
# It needs a POSIX shell, and what both Fedora CoreOS and Flatcar have (docs/distributions.md). Flatcar's bash has no /dev/tcp.
# KubeVirt has no such channel: there it writes lines on the serial console, which KubeVirt keeps, behind a word that marks them.
channel=${1:-/dev/virtio-ports/org.coreos.ready} serial=$2
if [ ! "$1" ] && grep -Eqs '(ignition\.platform|flatcar\.oem)\.id=kubevirt' /proc/cmdline; then
  channel=/dev/ttyS0 serial=yes
  if [ -e /dev/ttyAMA0 ]; then channel=/dev/ttyAMA0; fi
fi
network='"no address yet"' sshd='"nothing listens on port 22 yet"' served=''

seconds() {
  read -r uptime _ </proc/uptime
  echo "$uptime"
}

is_there() { case $1 in [0-9]*) true ;; *) false ;; esac; }

# to the unit's log, which goes to the serial console when the unit fails
fail() {
  echo "$1" >&2
  exit 1
}

look_at_network() {
  is_there "$network" || if [ "$(ip -o address show up scope global)" ]; then network=$(seconds); fi
}

# sshd listens where TCP's table has port 22 (0016) in state LISTEN (0A)
listens() { grep -qs ':0016 [0-9A-F:]* 0A' /proc/net/tcp /proc/net/tcp6; }

key_files() { cut -d ' ' -f 1,2 /etc/ssh/ssh_host_*_key.pub 2>/dev/null; }

# What sshd shows counts: its banner, then its keys. Where systemd listens for it (Flatcar), the port is open before there
# are keys, and the first connection has them made.
look_at_sshd() {
  if is_there "$sshd" || ! listens; then return; fi
  case $sshd in *listens*) # which the host hears before it is asked: that may take a while
    sshd='"sshd is asked for its host keys"'
    return
    ;;
  esac
  if ! command -v ssh-keyscan >/dev/null; then
    served=$(key_files)
    sshd='"no host keys yet"'
  else
    for kinds in ed25519 rsa,ecdsa; do
      shown=$(ssh-keyscan -T 10 -t "$kinds" 127.0.0.1 2>&1)
      served=$(echo "$shown" | sed -n 's/^127\.0\.0\.1 \([a-z0-9-]* [A-Za-z0-9+/=]*\)$/\1/p')
      if [ "$served" ]; then break; fi
    done
    case $shown in
      *SSH-2*) sshd='"no host keys yet"' ;;
      *) sshd='"port 22 is open, and sshd shows no banner"' ;;
    esac
  fi
  if [ "$served" ]; then sshd=$(seconds); fi
}

# all keys of the files, if what sshd showed is among them
host_keys() {
  keys=$(key_files)
  case $keys in
    *"$served"*) ;;
    *) keys=$served ;;
  esac
  echo "$keys" | sed '/./!d; s/.*/"&"/' | paste -s -d , -
}

# for an ip that knows no -j, as busybox' own
addresses_of() {
  ip -o address show dev "$1" 2>/dev/null |
    sed -n 's/.* \(inet6*\) \([0-9a-f.:]*\).* scope \([a-z]*\).*/{"family":"\1","local":"\2","scope":"\3"}/p' | paste -s -d , -
}

interfaces_by_line() {
  for folder in /sys/class/net/*; do
    read -r mac <"$folder/address" || continue
    printf '{"ifname":"%s","address":"%s","addr_info":[%s]}\n' "${folder##*/}" "$mac" "$(addresses_of "${folder##*/}")"
  done 2>/dev/null | paste -s -d , - | sed 's/.*/[&]/'
}

interfaces() { ip -j address show up 2>/dev/null | tr -d '\n' | grep . || interfaces_by_line; }

# What systemd says of the whole system, and which units have failed or wait to be restarted (systemctl(1)).
units() {
  state=$(systemctl is-system-running 2>/dev/null | tr -dc "[:lower:]")
  if [ ! "$state" ]; then return; fi
  failed=$(systemctl list-units --all --plain --no-legend --state=failed,auto-restart,auto-restart-queued 2>/dev/null) || return
  printf '"units":{"state":"%s","failed":[%s]},' "$state" \
    "$(echo "$failed" | sed '/./!d; s/ .*//; s/[\\"]/\\&/g; s/.*/"&"/' | paste -s -d , -)"
}

report() {
  read -r boot_id </proc/sys/kernel/random/boot_id
  hostname=$(tr -c 'A-Za-z0-9._\n-' '?' </proc/sys/kernel/hostname)
  printf '{"hostname":"%s","boot_id":"%s","uptime":%s,"network":%s,"sshd":%s,"host_keys":[%s],%s"interfaces":%s}\n' \
    "$hostname" "$boot_id" "$(seconds)" "$network" "$sshd" "$(host_keys)" "$(if is_there "$sshd"; then units; fi)" "$(interfaces)"
}

# the first write waits for the host, so that the second is of now
tell() {
  if [ "$serial" ]; then
    printf '\ncoreos-libvirt-ready: %s\n' "$(report)" >"$channel"
  else
    echo >"$channel" && report >"$channel"
  fi
}

tries=0
until [ -e "$channel" ]; do
  tries=$((tries + 1))
  if [ $tries -gt 120 ]; then fail "$channel is missing: the kernel has no virtio_console, or the domain no such channel"; fi
  sleep 1
done
command -v ip >/dev/null || network='"this image has no program ip"'
looks=0 told='' every=4
if [ "$serial" ]; then every=60; fi # the console is kept, and read later
while true; do
  look_at_network
  look_at_sshd
  pause=0.5
  if is_there "$network" && is_there "$sshd"; then
    if [ ! "$serial" ]; then told=''; fi
    pause=1
  elif [ "$told" != "$network$sshd" ]; then
    pause=0 # said first, then looked at further
  fi
  if [ "$told" != "$network$sshd" ] || [ $((looks % every)) -eq 0 ]; then # on the way only what is new, and every two seconds
    told=$network$sshd
    tell || [ -e "$channel" ] || fail "$channel is gone"
  fi
  looks=$((looks + 1))
  sleep $pause
done
