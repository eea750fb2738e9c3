package etcd

import "testing"

func TestAMemberMaySayAnything(t *testing.T) {
	said := Status{[]Member{{Name: "core\x1b[2J01", Version: "3.6\x1b]52;c;x\x1b\\", Error: "no\u009b2J\x07", Healthy: true}}, Peers{{Name: "core\x1b[2J01"}}}
	if got := said.printable().Peers[0].Name; got != "core01" {
		t.Errorf("got %q", got)
	}
	if got := said.printable().Members[0]; got.Name != "core01" || got.Version != "3.6" || got.Error != "no2J" || !got.Healthy {
		t.Errorf("got %+v", got)
	}
}
