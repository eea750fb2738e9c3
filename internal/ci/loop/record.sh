#!/bin/sh
# Records the loop of README in the lab, for internal/ci/loop:
#
#	asciinema rec --cols 120 --rows 30 -c internal/ci/loop/record.sh loop.cast
#	go run ./internal/ci/loop -speed 5 <loop.cast >docs/loop.svg
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
mkdir ignition/tests
printf '#!/bin/sh\nsystemctl is-active etcd\n' >ignition/tests/etcd
chmod +x ignition/tests/etcd
trap 'mv ignition/ignition.yml.kept ignition/ignition.yml; rm -r "$built" ignition/tests' EXIT
type verify nodes="$nodes"
type up prefix=core nodes="$nodes"
(sleep "${SAVE:-10}"; changed) &
# mage try goes on until Ctrl-C, which the terminal sends to all: after TRY seconds, in which nodes have booted
trap : INT
(sleep "${TRY:-150}"; kill -INT 0) &
printf '\033[32m$\033[0m mage try\r\n'
"$built/mage" lab try || true
trap - INT
type plan
type check
type down yes=true
