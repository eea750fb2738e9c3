package artifact

import "testing"

func TestTheHoldersSecretsAreNotShown(t *testing.T) {
	for word, want := range map[string]string{
		"discovery_user=me:secret": "discovery_user=…", "etcd_user=root:secret": "etcd_user=…", "var.Registry_Password=x": "var.Registry_Password=…", "nodes=3": "nodes=3", "up": "up",
	} {
		if got := masked(word); got != want {
			t.Errorf("%s: got %s", word, got)
		}
	}
}
