# Makes vmlinuz and initramfs in the current folder: the kernel and busybox of the root file system $1 (a tar),
# and the script init, which is in this folder already.
set -euo pipefail
mkdir -p from tree/{bin,dev,proc,sys,modules}
tar -xf "$1" -C from --wildcards './boot/vmlinuz-*' './usr/bin/busybox' './usr/lib/modules/*/kernel/drivers/virtio/*' './usr/lib/modules/*/kernel/drivers/char/virtio_console.ko'
install -m 0644 from/boot/vmlinuz-* vmlinuz
install from/usr/bin/busybox tree/bin/busybox
for applet in sh mount insmod cat sed cut printf sleep echo reboot; do ln -sf busybox "tree/bin/$applet"; done
number=10
for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console; do
  install -m 0644 "$(find from/usr/lib/modules -name "$name.ko")" "tree/modules/$((number++))-$name.ko"
done
install init tree/init
(cd tree && find . -print0 | cpio --null --quiet -o -H newc -R 0:0) | gzip >initramfs
rm -rf from tree
