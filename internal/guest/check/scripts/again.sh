# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
# After a reboot. $1: the mark.
set -e
tools
printf "AUTOPKGTEST_REBOOT_MARK='%s'\n" "$1" >"$run-env"
