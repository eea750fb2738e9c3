# Prints, as root in any POSIX shell, what says which unit of a node runs etcd, and where that has its data; with the word unit only the first.
set -eu
export LC_ALL=C
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
[ "${1-}" != unit ] || exit 0
for process in /proc/[0-9]*; do
  { read -r comm <"$process/comm" && [ "$comm" = etcd ]; } 2>/dev/null || continue # it may have ended
  echo "process ${process#/proc/}"
  tr '\0' '\n' <"$process/cmdline" | sed 's/^/word /'
  tr '\0' '\n' <"$process/environ" | sed -n 's/^ETCD_/env ETCD_/p'
  echo "folder $(readlink "$process/cwd")"
  sed 's/^/mount /' "$process/mountinfo" || : # it may have ended
done
sed 's/^/here /' /proc/self/mountinfo
