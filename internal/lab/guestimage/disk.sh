# Makes disk.raw and core.img in the current folder from rootfs.tar, the programs ignition, etcd and quadlet,
# and the folder files (what is laid over the root file system, and the initramfs' scripts).
set -euo pipefail
disk=3G # sparse; the partition table begins with the BIOS boot partition, sectors 2048 to 4095

rm -rf root initramfs
mkdir root initramfs
tar -xf rootfs.tar -C root --exclude='./dev/*'
kernel=$(basename root/lib/modules/*)

# the few modules that a virtual machine needs, the rest goes
modules=root/lib/modules/$kernel
keep='virtio|virtio_ring|virtio_pci|virtio_pci_modern_dev|virtio_pci_legacy_dev|virtio_blk|virtio_net|failover|net_failover|virtio_console|qemu_fw_cfg|rng-core|virtio-rng|button|evdev|autofs4|overlay|bridge|stp|llc|veth|br_netfilter|xt_.*|x_tables|ip_tables|iptable_.*|nf_.*|nft_.*|nfnetlink|nls_.*|fat|vfat|loop|tun|8021q|crc32c-intel|crc32c_generic|libcrc32c|dm-mod|ipv6|unix|af_packet|fuse|squashfs'
find "$modules/kernel" -name '*.ko' | grep -vE "/($keep)\.ko$" | xargs rm -f
find "$modules/kernel" -type d -empty -delete
chroot root depmod "$kernel"

# the initramfs: busybox, the modules that the disk and Ignition's config need, in order, and init
mkdir -p initramfs/{bin,modules,proc,sys,dev,run,sysroot,etc,tmp}
cp root/bin/busybox initramfs/bin/
for applet in $(initramfs/bin/busybox --list | grep -vx busybox); do ln -sf busybox "initramfs/bin/$applet"; done
number=10
for name in virtio_pci virtio_blk qemu_fw_cfg virtio_net; do
  while read -r _ file; do
    ls initramfs/modules/*"-${file##*/}" &>/dev/null || cp "root$file" "initramfs/modules/$((number++))-${file##*/}"
  done < <(chroot root modprobe --set-version "$kernel" --show-depends "$name")
done
install files/init initramfs/init
install files/udhcpc-script initramfs/bin/udhcpc-script
install files/in-root initramfs/bin/in-root
for program in useradd usermod userdel groupadd groupmod groupdel systemctl; do ln -sf in-root "initramfs/bin/$program"; done
(cd initramfs && find . -print0 | cpio --null --quiet -o -H newc -R 0:0 | gzip -9) >root/boot/initramfs
mv "root/boot/vmlinuz-$kernel" root/boot/vmlinuz
rm -f root/boot/System.map-* root/boot/config-*

# what makes it a CoreOS: no identity, keys and names only through Ignition
cp -a --no-preserve=ownership files/rootfs/. root/
chmod 0440 root/etc/sudoers.d/core
install -D ignition root/usr/lib/ignition/ignition
install etcd root/usr/local/bin/etcd
install -D quadlet root/usr/lib/systemd/system-generators/podman-system-generator
ln -sf /bin/bash root/bin/sh # as on a CoreOS
chroot root useradd -m -u 1000 -G sudo -s /bin/bash core
echo uninitialized >root/etc/machine-id # not empty: systemd then applies Ignition's unit presets
rm -f root/etc/hostname root/etc/ssh/ssh_host_* root/etc/resolv.conf
ln -s /run/systemd/resolve/resolv.conf root/etc/resolv.conf
touch root/boot/ignition.firstboot

# what a guest of a lab does not need and waits for
chroot root systemctl --quiet preset-all
chroot root systemctl --quiet mask getty@tty1.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-journal-catalog-update.service systemd-journal-flush.service systemd-remount-fs.service systemd-binfmt.service \
  ldconfig.service systemd-hwdb-update.service systemd-boot-system-token.service dev-hugepages.mount dev-mqueue.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
  modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@dm_mod.service \
  modprobe@loop.service systemd-ask-password-console.path systemd-ask-password-wall.path proc-sys-fs-binfmt_misc.automount \
  systemd-tmpfiles-clean.timer systemd-udev-settle.service rc-local.service

# a GPT disk without loop devices: BIOS boot partition, then root
truncate -s 0 disk.raw
truncate -s $disk disk.raw
printf 'label: gpt\nstart=2048,size=2048,type=21686148-6449-6E6F-744E-656564454649\nstart=4096,type=L,name=root\n' | sfdisk -q disk.raw
sectors=$(sfdisk -l -o Sectors disk.raw | tail -n 1)
truncate -s 0 part.img
truncate -s $((sectors * 512)) part.img
mke2fs -q -t ext4 -L root -E lazy_itable_init=1,discard -O ^metadata_csum -d root part.img
dd if=part.img of=disk.raw bs=1M seek=2 conv=notrunc,sparse status=none
rm part.img
cat >early.cfg <<'END'
search.fs_label root root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
END
grub-mkimage -O i386-pc -o core.img -c early.cfg -p /boot/grub biosdisk part_gpt ext2 search search_label configfile linux serial terminal normal test echo
