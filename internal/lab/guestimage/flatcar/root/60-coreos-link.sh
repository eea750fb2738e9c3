# The folder /usr/lib/coreos is a link to flatcar: what ct makes of a Container Linux Config calls etcd-wrapper there.
# Source: flatcar/init, Makefile (ln -sfT flatcar $(DESTDIR)/usr/lib/coreos).
ln -s flatcar root/usr/lib/coreos
