# What `mage restore` does on a node, as root, in any POSIX shell. $1 says what, the rest is for that. Each can be done again
# after it was cut off at any point. The new data are in DATA/restored-ID until they become DATA/member, those before them are
# in DATA/before-ID.
set -eu
export LC_ALL=C
verb=$1 unit=${2-} data=${3-} id=${4-}
old=$data/before-$id new=$data/restored-$id part=$data/restored-$id.part

fail() {
  echo "$*" >&2
  exit 1
}

# prints what says which unit runs etcd, and where its data are
look() {
  set -f
  { systemctl list-unit-files --no-legend --plain 'etcd*.service' && systemctl list-units --all --no-legend --plain 'etcd*.service'; } |
    while read -r name _; do echo "$name"; done | sort -u | while read -r name; do
      case $name in *@.service) continue ;; esac
      echo "unit $name"
      systemctl show -p LoadState,ActiveState,UnitFileState,Environment,ExecStart "$name" | sed 's/^/show /'
      systemctl cat "$name" 2>/dev/null | sed 's/^/text /'
      for word in $(systemctl show -p ExecStart --value "$name"); do
        case $word in /etc/* | /opt/* | /usr/local/* | /var/*) [ ! -f "$word" ] || head -c 65536 "$word" | grep -a . | sed 's/^/text /' ;; esac
      done
    done
  set +f
  for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = etcd ] || continue
    echo "process ${process#/proc/}"
    tr '\0' '\n' <"$process/cmdline" | sed 's/^/word /'
    tr '\0' '\n' <"$process/environ" | sed -n 's/^ETCD_/env ETCD_/p'
    echo "folder $(readlink "$process/cwd")"
    sed 's/^/mount /' "$process/mountinfo" || : # it may have ended
  done
  sed 's/^/here /' /proc/self/mountinfo
}

# unpacks what comes on standard input, beside the data of the etcd that runs; $5 is how many KiB that needs
bring() {
  [ -d "$data" ] || fail "there is no folder $data"
  trap 'rm -rf "$part"' EXIT
  trap 'exit 1' HUP INT TERM
  rm -rf "$data"/restored-* # what a killed run brought
  room=$(df -Pk "$data" | awk 'END { print $4 }')
  [ "$room" -gt "$5" ] || fail "$data has room for $room KiB, and the data that are restored need $5 KiB"
  mkdir -m 700 "$part"
  tar -xzf - --no-same-owner -C "$part"
  like=$data
  [ ! -d "$data/member" ] || like=$data/member
  chown -R --reference="$like" "$part"
  label=$(stat -c %C "$like" 2>/dev/null) || label='?' # the file has none: SELinux without a policy
  [ ! -e /sys/fs/selinux/enforce ] || [ "$label" = '?' ] || chcon -R "$label" "$part"
  sync
  mv "$part" "$new"
}

# removes what was brought and is not in use
clean() { rm -rf "$part" "$new"; }

# the pids of all etcd that have the database open
holders() {
  for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = etcd ] || continue
    for file in "$process"/fd/*; do
      [ ! "$file" -ef "$data/member/snap/db" ] || echo "${process#/proc/}"
    done
  done
}

stop() {
  systemctl stop "$unit"
  left=60
  while held=$(holders) && [ -n "$held" ]; do # a container may end after the unit that started it
    left=$((left - 1))
    [ $left -gt 0 ] || fail "$unit is stopped, but etcd still runs (process $(echo "$held" | head -n 1))"
    sleep 0.5
  done
}

swap() {
  [ -d "$new" ] || fail "$new is gone"
  [ ! -e "$old" ] || fail "$old is there already"
  if [ -e "$data/member" ]; then mv "$data/member" "$old"; else mkdir -m 700 "$old"; fi
  mv "$new" "$data/member"
  sync
}

start() {
  systemctl reset-failed "$unit" 2>/dev/null || :
  systemctl start --no-block "$unit"
}

# puts back what was there; what etcd may have written since is kept if $5 says so
back() {
  if [ -e "$old" ]; then
    stop
    if [ -e "$data/member" ] && [ "$5" = keep ]; then
      kept=$data/failed-$id
      while [ -e "$kept" ]; do kept=$kept-again; done
      mv "$data/member" "$kept"
      echo "kept $kept"
    else
      rm -rf "$data/member"
    fi
    rmdir "$old" 2>/dev/null || mv "$old" "$data/member"
    sync
  fi
  rm -rf "$part" "$new"
  start
}

$verb "$@"
