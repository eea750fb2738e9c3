printf '= BootID=%s\n' "$(cat "$root/proc/sys/kernel/random/boot_id")"
