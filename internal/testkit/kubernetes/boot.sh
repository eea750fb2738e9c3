# Makes vmlinuz and initramfs in the current folder: those of the lab's image $1, with what an image for KubeVirt has otherwise. Its
# modules are taken from $2, the root file system that the image was made of. The root partition begins at sector 4096.
set -euo pipefail
trap 'rm -rf disk.raw from tree' EXIT
qemu-img convert -O raw "$1" disk.raw
for name in vmlinuz initramfs; do
  debugfs -R "dump /boot/$name $name" "disk.raw?offset=$((4096 * 512))"
done
test -s vmlinuz && test -s initramfs
mkdir -p from tree/{modules,differences}
tar -xf "$2" -C from --wildcards './usr/lib/modules/*/kernel/drivers/cdrom/cdrom.ko' './usr/lib/modules/*/kernel/fs/isofs/isofs.ko'
for name in cdrom isofs; do cp "$(find from -name "$name.ko")" "tree/modules/90-$name.ko"; done
install -m 0644 platform.sh tree/differences/90-kubevirt.sh
(cd tree && find . -print0 | cpio --null --quiet -o -H newc -R 0:0) | gzip -9 >>initramfs # the kernel unpacks one after the other
