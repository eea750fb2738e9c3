# Runs in new mount, network and pid namespaces: makes a host with a libvirt there, into which one gets by ssh, and holds it until its
# standard input ends. It sees none of the files of whoever made it. Arguments: a folder with the keys, in which the file made tells that all is
# there; a cache of what libvirt knows of QEMU, or empty.
set -euo pipefail
dir=$1 cache=$2
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/etc /mnt/state
cp -ax /etc/. /mnt/etc
cp "$dir"/* /mnt/state
[ -z "$cache" ] || cp -a "$cache" /mnt/cache
mount --bind "$dir" /srv # to say that it is made
mount --bind /mnt/etc /etc
mkdir -p /etc/libvirt
for folder in /etc/libvirt /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /tmp /root /home; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=0755 tmpfs "$folder"
done
[ -z "$cache" ] || cp -a /mnt/cache/. /var/cache/libvirt
mkdir /etc/libvirt/qemu /run/sshd /run/lock
chmod 700 /mnt/state
chmod 600 /mnt/state/*
getent passwd libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>/etc/passwd
getent group libvirt-qemu >/dev/null || echo "libvirt-qemu:x:64055:" >>/etc/group
sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow # sshd lets nobody in whose password is locked
printf 'security_driver = "none"\nuser = "root"\ngroup = "root"\ncgroup_controllers = []\nnamespaces = []\nstdio_handler = "logd"\n' >/etc/libvirt/qemu.conf
printf 'auth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\n' >/etc/libvirt/libvirtd.conf
touch /etc/libvirt/virtlogd.conf /etc/libvirt/libvirt.conf
cat >/etc/ssh/sshd_config <<END
HostKey /mnt/state/host_key
AuthorizedKeysFile /mnt/state/key.pub
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
END
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
virtlogd </dev/null >/mnt/state/virtlogd.log 2>&1 &
libvirtd </dev/null >/mnt/state/libvirtd.log 2>&1 &
until [ -S /run/libvirt/libvirt-sock ] && virsh -c qemu:///system version >/dev/null 2>/mnt/state/virsh.log; do
  kill -0 $! || { cat /mnt/state/*.log >&2; exit 1; }
  sleep 0.1
done
touch /srv/made
umount /srv
cat # until the standard input ends; this shell, the first process, takes the dead of QEMU
:
