package domainxml

import "testing"

func TestReserved(t *testing.T) {
	const network = `<network><name>default</name><ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host id='0:1' ip='fd00::9'/></dhcp></ip>
<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.100' end='10.0.0.200'/>
<host mac='52:54:00:AA:BB:01' name='core01' ip='10.0.0.11'/><host mac='52:54:00:aa:bb:02'/></dhcp></ip></network>`
	for mac, want := range map[string]string{"52:54:00:aa:bb:01": "10.0.0.11", "52:54:00:aa:bb:02": "", "52:54:00:aa:bb:03": ""} {
		if got := Reserved(network, mac); got.IsValid() != (want != "") || got.IsValid() && got.String() != want {
			t.Errorf("%s: got %s, want %s", mac, got, want)
		}
	}
	if got := Reserved("<network", "52:54:00:aa:bb:01"); got.IsValid() {
		t.Errorf("no XML: got %s", got)
	}
}
