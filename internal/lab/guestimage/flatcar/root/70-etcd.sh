# The older etcd, for etcd-wrapper: it runs the version that ETCD_IMAGE_TAG names.
# Source: flatcar/scripts, coreos-overlay/app-admin/etcd-wrapper/files/etcd-wrapper.
install -D old-etcd root/usr/lib/lab/etcd-3.5
