package etcd

import "testing"

func TestAMemberMaySayAnything(t *testing.T) {
	said := Status{
		[]Member{{Endpoint: "http://\x1b[2Jcore01", Name: "core\x1b[2J01", Version: "3.6\x1b]52;c;x\x1b\\", Error: "no\u009b2J\x07", Healthy: true}},
		Peers{{Name: "core\x1b[2J01", URLs: []string{"http://\x07a"}, Clients: []string{"http://\u202eb"}}},
	}
	if got := said.printable().Peers[0]; got.Name != "core01" || got.URLs[0] != "http://a" || got.Clients[0] != "http://b" {
		t.Errorf("got %+v", got)
	}
	if got := said.printable().Members[0]; got.Endpoint != "http://core01" || got.Name != "core01" || got.Version != "3.6" || got.Error != "no2J" || !got.Healthy {
		t.Errorf("got %+v", got)
	}
}
