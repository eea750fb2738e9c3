# sshd.service wants sshd-keygen.target, which makes one host key a unit.
# Source: Fedora, rpms/openssh, sshd.service, sshd-keygen.target, sshd-keygen@.service.
rm -f root/usr/lib/systemd/system/ssh.{service,socket} root/usr/lib/systemd/system/ssh@.service root/usr/lib/systemd/system/rescue-ssh.target \
  root/etc/systemd/system/{sshd.service,sshd-keygen.service} root/etc/systemd/system/*/ssh*
