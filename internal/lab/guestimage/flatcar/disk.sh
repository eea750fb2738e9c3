# Makes disk.raw and core.img from the folders root, esp and oem and initrd: partitions, their labels, sizes and UUIDs are those of
# flatcar/scripts, build_library/disk_layout.json, but for their order on the disk: the BIOS boot partition is in sectors 2048 to 4095.
# File systems are ext4 where Flatcar has btrfs, and /usr has no dm-verity: the cloud kernel of Debian has neither.
set -euo pipefail
rm -f disk.raw
truncate -s 12534MiB disk.raw # sparse
efi=C12A7328-F81F-11D2-BA4B-00A0C93EC93B usr=5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6 resize=3884DD41-8582-4404-B9A8-E9B84F2DF50E
sfdisk -q disk.raw <<END
label: gpt
disk.raw2: start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name=BIOS-BOOT
disk.raw1: start=4096, size=2097152, type=$efi, name=EFI-SYSTEM
disk.raw3: start=2101248, size=4194304, type=$usr, uuid=7130C94A-213A-4E5A-8E26-6CCE9662F132, name=USR-A
disk.raw4: start=6295552, size=4194304, type=$usr, uuid=E03DD35C-7C2D-4A47-B3FE-27F15780A57C, name=USR-B
disk.raw6: start=10489856, size=2097152, type=L, name=OEM
disk.raw7: start=12587008, size=131072, type=L, name=OEM-CONFIG
disk.raw9: start=12718080, size=12943360, type=$resize, name=ROOT
END
ext4() { # label, folder, first sector, sectors
  mke2fs -q -F -t ext4 -L "$1" -E "lazy_itable_init=1,nodiscard,offset=$(($3 * 512))" -O ^metadata_csum -d "$2" disk.raw $(($4 / 2))k
}
mkdir -p usr
mv root/usr/* usr/
ext4 USR-A usr 2101248 4194304
ext4 OEM oem 10489856 2097152
ext4 ROOT root 12718080 12943360

cat >early.cfg <<'END'
search.fs_label EFI-SYSTEM root
set prefix=($root)/flatcar/grub
configfile $prefix/grub.cfg
END
modules='part_gpt fat ext2 search search_label configfile linux serial terminal normal test echo all_video'
# shellcheck disable=SC2086 # several words
grub-mkimage -O i386-pc -o core.img -c early.cfg -p /flatcar/grub biosdisk $modules
# shellcheck disable=SC2086
grub-mkimage -O x86_64-efi -o esp/EFI/BOOT/BOOTX64.EFI -c early.cfg -p /flatcar/grub $modules
mv initrd esp/flatcar/initrd
export MTOOLS_SKIP_CHECK=1
at=disk.raw@@$((4096 * 512))
mformat -i "$at" -T 2097152 -h 64 -s 32 -F -v EFI-SYSTEM ::
mcopy -i "$at" -s esp/EFI esp/flatcar ::
