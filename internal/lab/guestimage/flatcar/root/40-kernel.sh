# The kernel and GRUB's files are on the EFI system partition, which is /boot.
# Source: flatcar/scripts, build_library/disk_layout.json, build_library/grub.cfg; flatcar/init, systemd/system/boot.automount.
mkdir -p esp/flatcar/grub esp/EFI/BOOT
mv root/boot/vmlinuz esp/flatcar/vmlinuz-a
mv root/boot/grub/grub.cfg esp/flatcar/grub/grub.cfg
: >esp/flatcar/first_boot
rm -rf root/boot/*
