# Makes rootfs.tar in the current folder: a Debian root file system of its packages and the kernel, shared by all images.
# The kernel is unpacked, not installed: its package would want an initramfs made. So is mkfs.xfs: its package would want
# Python and ICU, 60 MB.
set -euo pipefail
suite=bookworm
packages=systemd,systemd-sysv,udev,dbus,openssh-server,iproute2,kmod,sudo,ca-certificates,curl,e2fsprogs,gdisk,procps,libnss-myhostname,systemd-resolved,libnss-resolve
containers=podman,crun,docker.io # as a CoreOS has them
disks=mdadm,cryptsetup-bin,dosfstools,libinih1,liburcu8 # Ignition's tools for disks; sgdisk, mkfs.ext4 and others are in those above
fcos=network-manager,policycoreutils,jq,socat
flatcar=netcat-openbsd

# shellcheck disable=SC2016 # the hook runs in mmdebstrap, with its own $1
mmdebstrap --variant=minbase --include=$packages,$containers,$disks,$fcos,$flatcar,busybox-static \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --customize-hook='chroot "$1" sh -ec "
    mv /etc/.resolv.conf.systemd-resolved.bak /etc/resolv.conf # for apt-get: systemd-resolved does not run here
    kernel=\$(apt-cache depends linux-image-cloud-amd64 | sed -n \"s/^ *Depends: //p\" | grep cloud-amd64)
    cd /tmp && apt-get -qq -o APT::Sandbox::User=root download \$kernel
    dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x -C / --keep-directory-symlink
    rm linux-image-*.deb
    apt-get -qq -o APT::Sandbox::User=root download xfsprogs
    dpkg-deb --fsys-tarfile xfsprogs_*.deb | tar -x -C / --keep-directory-symlink --wildcards \"./*sbin/mkfs.xfs\" \"./*sbin/fsck.xfs\"
    rm xfsprogs_*.deb"' \
  $suite rootfs.tar
