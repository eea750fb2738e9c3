package etcd

import (
	"strings"
	"testing"
)

func TestAMemberMaySayAnything(t *testing.T) {
	said := Status{
		[]Member{{Endpoint: "http://\x1b[2Jcore01", Name: "core\x1b[2J01", Version: "3.6\x1b]52;c;x\x1b\\", Error: "no\u009b2J\x07", Healthy: true}},
		Peers{{Name: "core\n01", URLs: []string{"http://10.0.0.1:1\x07", "http://10.0.0.1:1"}, Clients: []string{"http://\u202eb"}}},
	}
	if got := said.printable().Peers[0]; got.Name != `"core\n01"` || got.URLs[0] != `"http://10.0.0.1:1\a"` || got.URLs[1] != "http://10.0.0.1:1" || got.Clients[0] != `"http://\u202eb"` {
		t.Errorf("got %+v", got)
	}
	if got := said.printable().Members[0]; got.Endpoint != "http://core01" || got.Name != "core01" || got.Version != "3.6" || got.Error != "no2J" || !got.Healthy {
		t.Errorf("got %+v", got)
	}
}

// TestWhatAMemberSaysBecomesNoLineOfAUnit: nobody joins by the word of a member whose name or peer URL is none.
func TestWhatAMemberSaysBecomesNoLineOfAUnit(t *testing.T) {
	good := Peer{ID: "1", Name: "core01", URLs: []string{"http://10.0.0.1:2380"}}
	if initial, err := (Peers{good, {ID: "2"}}).InitialCluster("core02", "http://10.0.0.2:2380"); err != nil || initial != "core02=http://10.0.0.2:2380,core01=http://10.0.0.1:2380" {
		t.Errorf("got %s, %v", initial, err)
	}
	for _, hostile := range []Peer{
		{ID: "bad", Name: "x\nExecStartPre=/bin/sh", URLs: []string{"http://10.0.0.9:2380"}},
		{ID: "bad", Name: "x", URLs: []string{"http://10.0.0.9:2380\nExecStartPre=/bin/sh"}},
		{ID: "bad", Name: "x", URLs: []string{"http://10.0.0.9:2380 --data-dir=/"}},
		{ID: "bad", Name: "%h", URLs: []string{"http://10.0.0.9:2380"}},
		{ID: "bad", Name: "x", URLs: []string{"http://$HOME:2380"}},
	} {
		for _, peers := range []Peers{{good, hostile}, Peers{good, hostile}.printable()} {
			initial, err := peers.InitialCluster("core02", "http://10.0.0.2:2380")
			if err == nil || initial != "" || !strings.Contains(err.Error(), "etcd: the member bad: ") || !strings.Contains(err.Error(), "hint: mage etcd remove=bad ") {
				t.Errorf("%+v: got %s, %v", hostile, initial, err)
			}
		}
	}
}
