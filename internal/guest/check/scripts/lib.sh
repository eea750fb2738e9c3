# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
unit=kola-runext.service # the name that kola gives it
run=$root/run/kola-runext
etc=$root/etc/systemd/system
data=$root/var/opt/kola

# clean takes away all that a test has here, also one that an earlier run has left.
clean() {
	systemctl stop "$unit" 2>/dev/null || true
	systemctl reset-failed "$unit" 2>/dev/null || true
	rm -rf "${etc:?}/${unit:?}" "$data" "$run"-* "$root/tmp/autopkgtest-reboot" "$root/tmp/autopkgtest-reboot-prepare"
	rm -f "$root/usr/local/bin/kola-runext-"* "$root/opt/bin/kola-runext-"*
	systemctl daemon-reload
}

# tools makes what a test asks for a reboot with: it is told when the host has heard of it, and then reboots.
tools() {
	mkdir -p "$root/tmp" "$root/run"
	cat >"$root/tmp/autopkgtest-reboot-prepare" <<-END
		#!/bin/sh
		set -eu
		if [ \$# -ne 1 ] || [ -z "\$1" ]; then
			echo "usage: \$0 MARK" >&2
			exit 2
		fi
		rm -f "$run-ack"
		mkfifo "$run-ack"
		printf '%s' "\$1" >"$run-asked.new"
		mv "$run-asked.new" "$run-asked"
		read -r heard <"$run-ack"
	END
	cat >"$root/tmp/autopkgtest-reboot" <<-END
		#!/bin/sh
		set -eu
		"$root/tmp/autopkgtest-reboot-prepare" "\$@"
		exec reboot
	END
	chmod 755 "$root/tmp/autopkgtest-reboot" "$root/tmp/autopkgtest-reboot-prepare"
}
