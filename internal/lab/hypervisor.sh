# Is the first process of new mount, network, PID and host name namespaces: makes a hypervisor of the lab there, and is it until it
# is killed. Of the client's files it sees /usr, read-only, and a copy of /etc: a file is on a hypervisor only if somebody brought it there.
# Arguments: its name, a folder to mount its root on, the folder that is its disk, libvirt's cache, bridge, its MAC, its address.
set -euo pipefail
name=$1 root=$2 disk=$3 cache=$4 bridge=$5 mac=$6 address=$7

echo "$name" >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=0755 tmpfs "$root"
cd "$root"
mkdir dev etc home mnt old proc run sys usr var
mkdir -m 0700 root root/.ssh
mkdir -m 1777 tmp
mount --rbind /usr usr
mount -o remount,bind,ro usr
for folder in bin sbin lib lib32 lib64 libx32; do # links into /usr, or folders
  if [ -L "/$folder" ]; then
    cp -P "/$folder" .
  elif [ -d "/$folder" ]; then
    mkdir "$folder"
    mount -o bind,ro "/$folder" "$folder"
  fi
done

# what outlives that it is switched off
mkdir -p "$disk"/var/{cache/libvirt,lib/dpkg,log,tmp} "$disk/etc-libvirt"
mount --bind "$disk/var" var
mount --bind "$cache" var/cache/libvirt
[ ! -d /var/lib/dpkg ] || mount -o bind,ro /var/lib/dpkg var/lib/dpkg # which packages there are, for host:setup
cp -ax /etc/. etc
rm -rf etc/libvirt etc/ssh
mkdir etc/libvirt etc/ssh
mount --bind "$disk/etc-libvirt" etc/libvirt
cp "$disk"/ssh/host_key* etc/ssh
cp "$disk/ssh/authorized_keys" root/.ssh
chmod -R go= root/.ssh etc/ssh

# devices: no terminal of this host is one of the client's
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/net dev/pts dev/shm
for device in null zero full random urandom tty kvm net/tun vhost-net; do
  [ ! -e "/dev/$device" ] || { touch "dev/$device" && mount --bind "/dev/$device" "dev/$device"; }
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t proc proc proc
mount -t sysfs sysfs sys
pivot_root . old
cd /
umount -l /old
rmdir /old

ln -sfn /run /var/run
ln -sfn /run/lock /var/lock 
mkdir -p /run/lock /run/sshd /run/libvirt
grep -q ^libvirt-qemu: /etc/passwd || echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>/etc/passwd
grep -q ^libvirt-qemu: /etc/group || echo "libvirt-qemu:x:64055:" >>/etc/group
grep -q ^sshd: /etc/passwd || echo "sshd:x:64056:65534::/run/sshd:/usr/sbin/nologin" >>/etc/passwd
sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow # no password, and not locked: sshd(8)

ip link set lo up
ip link add "$bridge" address "$mac" type bridge stp_state 0
ip address add "$address" dev "$bridge"
ip link set "$bridge" up

cat >/etc/ssh/sshd_config <<end
HostKey /etc/ssh/host_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
MaxStartups 200
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
end
virtlogd --pid-file /run/virtlogd.pid &
virtlogd=$!
libvirtd --pid-file /run/libvirtd.pid &
libvirtd=$!
"$(command -v sshd)" -D -e -f /etc/ssh/sshd_config &
sshd=$!
until [ -S /run/libvirt/virtlogd-sock ] && [ -S /run/libvirt/libvirt-sock ] && [ -e /run/sshd.pid ]; do
  for part in $virtlogd $libvirtd $sshd; do kill -0 "$part"; done # else it ends here, after what they have said
  sleep 0.05
done
touch /run/made
trap "exit 0" TERM
sleep infinity &
wait $!
