#!/bin/sh
# Records the loop of README in the lab, for internal/ci/loop:
#
#	asciinema rec --cols 100 --rows 30 -c internal/ci/loop/record.sh loop.cast
#	go run ./internal/ci/loop <loop.cast >docs/loop.svg
#
# It is run in a clone of its own: it edits ignition/ignition.yml, and puts it back.
set -eu
nodes=${NODES:-1}
built=$(mktemp -d)
go run magefile.go -compile "$built/mage" >&2 # which gets the interrupt itself; go run does not pass it on

# type prints a command as somebody types it, and runs it.
type() {
	printf '\033[32m$\033[0m mage %s\r\n' "$*"
	sleep 1
	"$built/mage" lab "$@" || true
	sleep 2
}

# changed saves the config with one more file.
changed() {
	sed -i 's|^  files:$|&\n    - path: /etc/tried\n      contents: {inline: tried}|' ignition/ignition.yml
}

cp ignition/ignition.yml ignition/ignition.yml.kept
trap 'mv ignition/ignition.yml.kept ignition/ignition.yml; rm -r "$built"' EXIT
type verify nodes="$nodes"
type up prefix=core nodes="$nodes"
(sleep "${SAVE:-10}"; changed) &
# mage try goes on until it is interrupted: after TRY seconds, in which the node has booted
printf '\033[32m$\033[0m mage try\r\n'
timeout --foreground -s INT "${TRY:-150}" "$built/mage" lab try || true
type plan
type check
type down yes=true
