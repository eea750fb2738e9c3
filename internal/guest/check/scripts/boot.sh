# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
printf '= BootID=%s\n' "$(cat "$root/proc/sys/kernel/random/boot_id")"
