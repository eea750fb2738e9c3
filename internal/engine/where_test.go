package engine

import "testing"

func TestWhereLibvirtRuns(t *testing.T) {
	for uri, want := range map[string]struct {
		host   string
		remote bool
	}{
		"qemu:///system": {}, "qemu:///session": {}, "test:///default": {}, "qemu+unix:///system?socket=/run/x": {}, "qemu+unix://ignored/system": {"ignored", false},
		"qemu+ssh://root@hv1/system": {"hv1", true}, "qemu+ssh://root@[fd00::1]:2222/system?keyfile=/x": {"fd00::1", true}, "qemu+libssh2://hv1/session": {"hv1", true},
		"qemu://hv1.example/system": {"hv1.example", true}, "qemu+tcp://10.0.0.1/system": {"10.0.0.1", true}, "qemu+ext:///system?command=/bin/x": {"", true}, "%": {},
	} {
		if host, remote := (Where{URI: uri}).Host(); host != want.host || remote != want.remote {
			t.Errorf("%s: got %q, %v", uri, host, remote)
		}
	}
}
