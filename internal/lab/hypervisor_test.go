package lab

import "testing"

func TestHostsIn(t *testing.T) {
	for uri, want := range map[string]int{
		"qemu:///system": 0, "test:///default": 0, "qemu+ssh://root@hv3/system": 3, "qemu+ssh://hv1/system": 1,
		"qemu+ssh://root@hv01/system": 0, "qemu+ssh://root@hvx/system": 0, "qemu+ssh://root@hv-1/system": 0, "qemu+ssh://root@server/system": 0,
		"qemu+ssh://root@hv2:22/system?keyfile=x": 2, ":": 0,
	} {
		if got := HostsIn("qemu:///system", uri); got != want {
			t.Errorf("%s: got %d, want %d", uri, got, want)
		}
	}
}
