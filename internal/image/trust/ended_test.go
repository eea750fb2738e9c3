package trust

import (
	"slices"
	"testing"
	"time"
)

// releases are when Fedora's releases came, about.
var releases = map[string]string{
	"31": "2019-10-29", "32": "2020-04-28", "33": "2020-10-27", "34": "2021-04-27", "35": "2021-11-02", "36": "2022-05-10",
	"37": "2022-11-15", "38": "2023-04-18", "39": "2023-11-07", "40": "2024-04-23", "41": "2024-10-29", "42": "2025-04-15",
}

// TestKeysOfReleasesThatHaveEnded are one each, of the release that they are named after, and could sign when that came.
func TestKeysOfReleasesThatHaveEnded(t *testing.T) {
	if len(ended) != len(releases) {
		t.Errorf("%d keys of %d releases", len(ended), len(releases))
	}
	for major, day := range releases {
		d := FedoraAt(major)
		all, err := ReadKeys(d.Material, nil)
		if err != nil {
			t.Fatal(major, err)
		}
		ring, err := ReadKeys(d.Material, d.Fingerprints)
		if err != nil || len(ring.entities) != 1 || len(all.entities) != 1 || len(d.Fingerprints) != 1 {
			t.Fatalf("%s: %d keys, %d of them pinned, %v", major, len(all.entities), len(ring.entities), err)
		}
		key := ring.entities[0]
		if _, is := key.Identities["Fedora ("+major+") <fedora-"+major+"-primary@fedoraproject.org>"]; !is {
			t.Errorf("%s: it is the key of %v", major, key.Identities)
		}
		at, _ := time.Parse(time.DateOnly, day)
		if _, is := key.SigningKey(at, nil); !is {
			t.Errorf("%s: it could sign nothing on %s", major, day)
		}
	}
}

func TestFedoraAt(t *testing.T) {
	for major, want := range map[string]string{"30": "Fedora", "42": "Fedora 42", "43": "Fedora", "99": "Fedora", "": "Fedora", "../42": "Fedora"} {
		if got := FedoraAt(major); got.Name != want || (got.Material == nil) != (want == "Fedora") {
			t.Errorf("%s: got %s", major, got.Name)
		}
	}
	if _, err := ReadKeys(FedoraAt("41").Material, FedoraAt("42").Fingerprints); err == nil {
		t.Error("the key of one release is taken for another's")
	}
	for major, fingerprint := range ended {
		if slices.Contains(Fedora.Fingerprints, fingerprint) {
			t.Errorf("%s: its key counts for all", major)
		}
	}
}
