# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
# $1: start, or go on with a unit that was started, behind the cursor $2 of the journal. It prints "o" and what the test says, a line
# each, then "c" and the cursor behind that; "=", a name and a value; and "." while nothing happens: when nobody reads that any
# more, it ends. It leaves no cursor, also when it ends after the test was removed.
cursor=$run-cursor.$$
trap 'rm -f "$cursor"' EXIT
trap exit HUP PIPE TERM
said() {
	journalctl --quiet --all --output=cat --cursor-file="$cursor" _SYSTEMD_UNIT="$unit" | sed 's/^/o /'
	printf 'c %s\n' "$(cat "$cursor")"
}
boot() {
	cat "$root/proc/sys/kernel/random/boot_id"
}
printf '= BootID=%s\n' "$(boot)"
if [ "$1" = start ]; then
	journalctl --quiet --lines=1 --cursor-file="$cursor" >/dev/null
	systemctl start "$unit" 2>&1 | sed 's/^/o /'
else
	printf '%s\n' "$2" >"$cursor"
fi
while :; do
	state=$(systemctl show --property=SubState --value "$unit")
	said
	if [ -f "$run-asked" ]; then
		journalctl --sync
		said
		printf '= Mark=%s\n' "$(cat "$run-asked")"
		exit
	fi
	case $state in
	exited | failed | dead | "") break ;;
	esac
	echo .
	sleep 1
done
journalctl --sync
said
printf '= EndedIn=%s\n' "$(boot)"
if [ "$(systemctl is-system-running)" = stopping ]; then
	echo "= Stopping=yes"
fi
systemctl show --property=Result --property=ExecMainCode --property=ExecMainStatus "$unit" | sed 's/^/= /'
