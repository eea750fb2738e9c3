# Takes the program coreos-libvirt from standard input and runs it, in a folder that goes with it. Arguments: its SHA-256, whether it is to
# be root, and those of env(1).
umask 077
sum=$1 root=$2
shift 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
as=
if [ "$root" = true ] && [ "$(id -u)" != 0 ]; then
  sudo -n true || exit 243
  as="sudo -n"
fi
folder=
for parent in "${TMPDIR:-/tmp}" /var/tmp "$HOME"; do
  folder=$(mktemp -d "$parent/coreos-libvirt.XXXXXXXX") || continue
  # it may be mounted noexec
  printf "#!/bin/sh\n" >"$folder/try" && chmod 700 "$folder/try" && "$folder/try" && break
  rm -rf "$folder"
  folder=
done
[ -n "$folder" ] || exit 240
trap 'cd /; $as rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
rm "$folder/try"
cat >"$folder/coreos-libvirt" || exit 241
[ "$(sha256sum <"$folder/coreos-libvirt")" = "$sum  -" ] || exit 241
chmod 700 "$folder/coreos-libvirt"
cd "$folder" || exit 240
./coreos-libvirt version >/dev/null </dev/null || exit 242
$as env "PATH=$PATH" "$@" </dev/null
