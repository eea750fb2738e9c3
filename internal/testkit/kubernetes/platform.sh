# An image for KubeVirt: Ignition's platform is kubevirt, whose provider waits for a disk with the label config-2 or cidata
# (coreos/ignition, internal/providers/kubevirt/kubevirt.go), and udev gives disks their names by label.
before_ignition() {
  mkdir -p /dev/disk/by-label
  for disk in /dev/vd?; do
    # the volume's identifier in ISO 9660's primary volume descriptor: sector 16, byte 40 (ECMA-119, 8.4.7)
    label=$(dd if="$disk" bs=1 skip=32808 count=32 2>/dev/null | tr -d ' \0')
    case $label in config-2 | cidata) ln -s "$disk" "/dev/disk/by-label/$label" ;; esac
  done
}

ignition() {
  begins "$1"
  of_root /usr/lib/ignition/ignition --root=/sysroot --platform=kubevirt --stage="$1" --log-to-stdout >/run/ignition.log 2>&1 ||
    emergency "$1"
  ends "$1"
}
