# Prints, as root in any POSIX shell, how the etcd of a node is that this unit runs: $1 the unit, $2 the folder of its data, or nothing.
set -u
export LC_ALL=C
unit=$1 data=$2
echo "now $(date +%s)"
systemctl show -p ActiveState,MainPID "$unit" | sed 's/^/show /'
main=$(systemctl show -p MainPID "$unit" | sed -n 's/^MainPID=//p')
is_etcd() { { read -r comm <"/proc/$1/comm" && [ "$comm" = etcd ]; } 2>/dev/null; }
etcd=
if [ "${main:-0}" != 0 ]; then
  etcd=$main
  if ! is_etcd "$main"; then # it runs etcd in a container, or begins with a script
    for process in /proc/[0-9]*; do
      if is_etcd "${process#/proc/}"; then etcd=${process#/proc/}; fi
    done
  fi
fi
if [ -n "$etcd" ]; then
  echo "process $etcd $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$etcd/status")"
fi
if [ -n "$data" ]; then
  df -Pk "$data" | sed -n '2s/^/space /p'
  df -Pi "$data" | sed -n '2s/^/inodes /p'
fi 2>/dev/null
journalctl -u "$unit" -n 40 --no-pager -o cat 2>/dev/null | cut -c1-1000 | sed 's/^/log /'
exit 0
