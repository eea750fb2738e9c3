# What a person writes is below /var: the other folders are links there.
# Source: coreos/fedora-coreos-config, overlay.d/05core/usr/lib/dracut/modules.d/40ignition-ostree/ignition-ostree-populate-var.sh;
# coreos/rpm-ostree, rust/src/composepost.rs.
for link in home:var/home opt:var/opt root:var/roothome srv:var/srv mnt:var/mnt media:run/media usr/local:../var/usrlocal; do
  from=${link%%:*} to=${link#*:}
  case $to in
    run/*) rm -rf "root/$from" ;;
    *) mv "root/$from" "root/var/${to##*var/}" ;;
  esac
  ln -s "$to" "root/$from"
done
mkdir -p root/sysroot root/ostree
sed -i -E 's|^#? ?HOME=.*|HOME=/var/home|' root/etc/default/useradd
