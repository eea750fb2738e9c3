# shellcheck disable=SC1091,SC2154 # the Go file beside it sets what is not set here
. "$root/etc/os-release"
case ${ID:-}-${VARIANT_ID:-} in
fedora-coreos) ID=fcos ;;
rhel-coreos) ID=rhcos ;;
centos-coreos) ID=scos ;;
esac
printf '= Distro=%s\n= Arch=%s\n' "${ID:-}" "$(uname -m)"
