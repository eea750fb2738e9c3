# shellcheck disable=SC2016,SC2046,SC2086,SC2154 # the Go file beside it sets what is not set here
# Runs in a node: how its systemd units are (internal/guest/units/script.go). $@ are those that the config brings.
# It needs a POSIX shell, and what both Fedora CoreOS and Flatcar have (docs/distributions.md).
export LC_ALL=C SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0

show() { systemctl show --no-pager --property="$properties" -- "$@" 2>&1; }

now() {
  read -r up _ </proc/uptime
  echo "${up%.*}"
}

# records of show's, as p[]
each='BEGIN { RS = ""; FS = "\n" }
{ split("", p); for (i = 1; i <= NF; i++) { at = index($i, "="); p[substr($i, 1, at - 1)] = substr($i, at + 1) } }'

# whether one is still being started; one that has been restarted thrice goes on so
starting() { [ $# -gt 0 ] && show "$@" | awk "$each"' p["ActiveState"] == "activating" && p["NRestarts"] + 0 < 3 { n++ } END { exit !n }'; }

# those whose journal is worth a look, beside those that have failed
unwell() {
  awk "$each"'
{
  well = p["ActiveState"] ~ /^(active|reloading|refreshing)$/ && p["NRestarts"] + 0 < 3
  ended = p["ActiveState"] == "inactive" && (p["InactiveEnterTimestampMonotonic"] + 0 > 0 || p["ConditionResult"] == "no" && p["ConditionTimestampMonotonic"] + 0 > 0)
  if (!well && !ended && index(ENVIRON["wanted"], " " p["Id"] " ")) print p["Id"]
}'
}

look() {
  if [ "$settle" -gt 0 ]; then
    end=$(($(now) + settle))
    timeout "$settle" systemctl is-system-running --wait >/dev/null 2>&1
    while [ "$(now)" -lt "$end" ] && starting "$@"; do sleep 1; done
  fi
  seen=''
  if [ $# -gt 0 ]; then seen=$(show "$@"); fi
  failing=$(systemctl list-units --all --full --plain --no-legend --no-pager --state=failed,auto-restart,auto-restart-queued 2>/dev/null | awk '{ print $1 }' | head -n "$units")
  read -r up _ </proc/uptime
  echo "$mark system $up $(systemctl is-system-running 2>&1 | head -n 1)"
  printf '%s\n\n' "$seen"
  if [ "$failing" ]; then show $failing; fi
  for unit in $(printf '%s\n' $failing $(printf '%s\n' "$seen" | unwell | head -n "$units") | sort -u); do
    echo "$mark journal $unit"
    $as journalctl --boot --quiet --no-pager --no-hostname --output=short-iso --lines="$lines" --unit="$unit" 2>&1 | cut -b "1-$bytes"
  done
  echo "$mark end"
}

look "$@" </dev/null # the script itself comes on standard input
