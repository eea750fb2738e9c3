# sshd is a socket: each connection starts one, and wants the host keys made before.
# Source: flatcar/scripts, portage-stable/net-misc/openssh/files/sshd.socket and sshd_at.service.1; coreos-overlay/coreos-base/misc-files
# (sshd.socket is enabled, no trigger limit); flatcar/init, systemd/system/sshd@.service.d/sshd-keygen.conf, scripts/sshd_keygen.
rm -f root/usr/lib/systemd/system/ssh.{service,socket} root/usr/lib/systemd/system/ssh@.service root/usr/lib/systemd/system/rescue-ssh.target \
  root/etc/systemd/system/{sshd.service,sshd-keygen.service} root/etc/systemd/system/*/ssh*
