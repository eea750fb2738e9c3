#!/bin/sh
# Ignition calls setfiles for every file that it writes. Source: coreos/ignition, internal/exec/util/selinux.go.
cat >/bin/setfiles <<'END'
#!/bin/sh
LD_LIBRARY_PATH=/sysroot/usr/lib/x86_64-linux-gnu \
  exec /sysroot/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /sysroot/usr/sbin/setfiles "$@"
END
chmod +x /bin/setfiles
