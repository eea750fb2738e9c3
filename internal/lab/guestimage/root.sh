# Makes the folder root of the system $1 (lab, fcos or flatcar) from rootfs.tar, the programs ignition, etcd and others, and
# the folder files: files/rootfs is laid over the root file system, then files/$1/rootfs, then files/$1/root/*.sh are run, each
# one difference from the lab's quickest image.
set -euo pipefail
os=$1

rm -rf root
mkdir root
tar -xf rootfs.tar -C root --exclude='./dev/*'
kernel=$(basename root/lib/modules/*)

# the few modules that a virtual machine needs, the rest goes
modules=root/lib/modules/$kernel
keep='virtio|virtio_ring|virtio_pci|virtio_pci_modern_dev|virtio_pci_legacy_dev|virtio_blk|virtio_net|failover|net_failover|virtio_console|qemu_fw_cfg|rng-core|virtio-rng|button|evdev|autofs4|overlay|bridge|stp|llc|veth|br_netfilter|xt_.*|x_tables|ip_tables|iptable_.*|nf_.*|nft_.*|nfnetlink|nls_.*|fat|vfat|loop|tun|8021q|crc32c-intel|crc32c_generic|libcrc32c|md-mod|raid0|raid1|raid10|dm-mod|dm-crypt|xfs|aesni-intel|xts|ecb|cryptd|crypto_simd|glue_helper|af_alg|algif_skcipher|essiv|ipv6|unix|af_packet|fuse|squashfs'
find "$modules/kernel" -name '*.ko' | grep -vE "/($keep)\.ko$" | xargs rm -f
find "$modules/kernel" -type d -empty -delete
chroot root depmod "$kernel"
mv "root/boot/vmlinuz-$kernel" root/boot/vmlinuz
rm -f root/boot/System.map-* root/boot/config-*

# what makes it a CoreOS: no identity, keys and names only through Ignition
cp -a --no-preserve=ownership files/rootfs/. root/
chmod 0440 root/etc/sudoers.d/core
install -D ignition root/usr/lib/ignition/ignition
install etcd root/usr/local/bin/etcd
install -D quadlet root/usr/lib/systemd/system-generators/podman-system-generator
ln -sf /bin/bash root/bin/sh # as on a CoreOS
echo uninitialized >root/etc/machine-id # not empty: systemd then applies Ignition's unit presets
rm -rf root/etc/hostname root/etc/ssh/ssh_host_* root/etc/resolv.conf root/etc/selinux # whose config would have systemd want labels
rm -rf root/etc/init.d root/etc/rc?.d # a CoreOS has only systemd's units
ln -s /run/systemd/resolve/resolv.conf root/etc/resolv.conf # the servers that DHCP names, as on Flatcar
touch root/boot/ignition.firstboot

if [ "$os" != lab ]; then
  cp -a --no-preserve=ownership "files/$os/rootfs/." root/
  grep -rlE '^#!' "files/$os/rootfs" | sed 's#.*/rootfs/#root/#' | xargs chmod +x # what Go embeds has lost its mode
  for difference in "files/$os"/root/*.sh; do
    # shellcheck source=/dev/null
    . "$difference"
  done
fi
chroot root useradd -m -u 1000 -G sudo -s /bin/bash core

# what a guest of a lab does not need and waits for
chroot root systemctl --quiet preset-all
chroot root systemctl --quiet mask getty@tty1.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-journal-catalog-update.service systemd-journal-flush.service systemd-remount-fs.service systemd-binfmt.service \
  ldconfig.service systemd-hwdb-update.service systemd-boot-system-token.service dev-hugepages.mount dev-mqueue.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
  modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@dm_mod.service \
  modprobe@loop.service systemd-ask-password-console.path systemd-ask-password-wall.path proc-sys-fs-binfmt_misc.automount \
  systemd-tmpfiles-clean.timer systemd-udev-settle.service rc-local.service polkit.service \
  mdmonitor.service mdmonitor-oneshot.timer mdcheck_start.timer mdcheck_continue.timer mdadm-shutdown.service
