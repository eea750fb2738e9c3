# Makes the file initrd from the folder root: busybox, the modules that the disk and Ignition's config need, in order, and
# files/init with what the system $1 does otherwise, files/$1/initramfs/*.sh.
set -euo pipefail
os=$1
kernel=$(basename root/lib/modules/*)
needed='virtio_pci virtio_blk qemu_fw_cfg virtio_net'
if [ "$os" = flatcar ]; then needed+=' vfat nls_cp437 nls_ascii'; fi # for the EFI system partition

rm -rf initramfs
mkdir -p initramfs/{bin,modules,proc,sys,dev,run,sysroot,etc,tmp,differences}
cp root/bin/busybox initramfs/bin/
for applet in $(initramfs/bin/busybox --list | grep -vx busybox); do ln -sf busybox "initramfs/bin/$applet"; done
number=10
for name in $needed; do
  while read -r _ file; do
    ls initramfs/modules/*"-${file##*/}" &>/dev/null || cp "root$file" "initramfs/modules/$((number++))-${file##*/}"
  done < <(chroot root modprobe --set-version "$kernel" --show-depends "$name")
done
install files/init initramfs/init
install files/udhcpc-script initramfs/bin/udhcpc-script
install files/in-root initramfs/bin/in-root
for program in useradd usermod userdel groupadd groupmod groupdel systemctl \
  sgdisk partx wipefs mdadm cryptsetup dmsetup modprobe udevadm mkfs.ext4 mkfs.xfs mkfs.fat mkswap; do ln -sf in-root "initramfs/bin/$program"; done
if [ "$os" != lab ]; then cp "files/$os"/initramfs/*.sh initramfs/differences/; fi
(cd initramfs && find . -print0 | cpio --null --quiet -o -H newc -R 0:0 | gzip -9) >initrd
if [ "$os" != lab ]; then rm root/bin/busybox; fi # no CoreOS has it
