# The OEM partition, /oem, has the settings of the platform for GRUB.
# Source: flatcar/scripts, build_library/oem/qemu/grub.cfg; flatcar/init, systemd/system/oem.mount.
mkdir -p oem root/oem
printf 'set oem_id="qemu"\nset linux_append="flatcar.autologin"\n' >oem/grub.cfg
