#!/bin/sh
# A stand-in of systemctl(1) on a node whose files are in the folder above this program's, with the unit etcd.service: a real etcd,
# which the script start starts. No systemd runs beside the one of the machine. These files of the node change what it does:
# dead: there is no unit; broken: it cannot be started; crashes: it ends as soon as it is started; deaf: it gets no environment;
# unit: the text of its unit.
cd "${0%/*}/.." || exit 1
echo "$*" >>calls

# each thread counts: the last one frees the ports
running() { [ -e pid ] && grep -q '^State:.[^Z]' /proc/"$(cat pid)"/task/*/status 2>/dev/null; }

kill_by() {
  running || return 0
  kill "$1" "$(cat pid)" 2>/dev/null
  while running; do sleep 0.05; done
}

start() {
  [ ! -e crashes ] || return 0
  running && return 0
  if [ -e deaf ] || [ ! -e environment ]; then set=; else set=$(cat environment); fi
  # shellcheck disable=SC2086 # no variable or one
  setsid env $set sh start <&- >>log 2>&1 &
  echo $! >pid
}

main() { if running; then cat pid; else echo 0; fi; }
state() { if running; then echo active; else echo inactive; fi; }

verb=$1
shift
case $verb in
list-unit-files) [ -e dead ] || echo "etcd.service enabled enabled" ;;
list-units) [ -e dead ] || ! running || echo "etcd.service loaded active running etcd" ;;
show) case $* in
  *--value*) echo "{ path=/bin/bash ; argv[]=/bin/bash /etc/etcd.sh ; ignore_errors=no }" ;;
  *) printf 'LoadState=loaded\nActiveState=%s\nMainPID=%s\nUnitFileState=enabled\nEnvironment=\n' "$(state)" "$(main)" ;;
  esac ;;
cat) if [ -e unit ]; then cat unit; else echo "ExecStart=/usr/bin/etcd --data-dir=/var/lib/etcd"; fi ;;
set-environment) echo "$1" >environment ;;
unset-environment) rm environment ;;
reset-failed) ;;
stop) kill_by -TERM ;;
start | restart)
  [ ! -e broken ] || { echo "etcd.service: fails" >&2; exit 1; }
  [ "$verb" = start ] || kill_by -KILL
  start ;;
*) echo "systemctl $verb $*: a test knows no such thing" >&2; exit 1 ;;
esac
