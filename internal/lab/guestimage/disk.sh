# Makes disk.raw and core.img from the folder root and initrd: a GPT disk without loop devices, the BIOS boot partition
# in sectors 2048 to 4095, then root.
set -euo pipefail
os=$1
size=3G # sparse
if [ "$os" = fcos ]; then size=10G; fi # coreos/fedora-coreos-config, image-base.yaml, "size"

mv initrd root/boot/initramfs
rm -f disk.raw
truncate -s $size disk.raw
printf 'label: gpt\nstart=2048,size=2048,type=21686148-6449-6E6F-744E-656564454649\nstart=4096,type=L,name=root\n' | sfdisk -q disk.raw
sectors=$(sfdisk -l -o Sectors disk.raw | tail -n 1)
mke2fs -q -F -t ext4 -L root -E lazy_itable_init=1,nodiscard,offset=$((4096 * 512)) -O ^metadata_csum -d root disk.raw $((sectors / 2))k
cat >early.cfg <<'END'
search.fs_label root root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
END
grub-mkimage -O i386-pc -o core.img -c early.cfg -p /boot/grub biosdisk part_gpt ext2 search search_label configfile linux serial terminal normal test echo
