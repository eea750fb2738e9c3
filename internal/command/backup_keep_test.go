package command

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestOldSnapshotsGo, and nothing else whose name is only like theirs.
func TestOldSnapshotsGo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "co.re.db")
	others := []string{
		"co.re.db", "co.re-20261127T200501Z.db.old", "co.re-20261127T2005Z.db", "coxre-20261127T200501Z.db", "web-20260101T000000Z.db", "co.re-20260101T000000Z-2.db", ".co.re-20260101T000000Z.db",
	}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at, stamps := time.Date(2026, 12, 30, 23, 0, 0, 0, time.FixedZone("here", 3600)), []string{}
	for i := range 5 {
		own := stamped(path, at.Add(time.Duration(i)*24*time.Hour))
		stamps = append(stamps, filepath.Base(own))
		if err := os.WriteFile(own, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if stamps[0] != "co.re-20261230T220000Z.db" || stamps[2] != "co.re-20270101T220000Z.db" {
		t.Errorf("got %v", stamps)
	}
	if err := os.Mkdir(filepath.Join(folder, "co.re-20250101T000000Z.db"), 0o700); err != nil { // no file
		t.Fatal(err)
	}
	others = append(others, "co.re-20250101T000000Z.db")
	if removed, err := removeOlder(path, 5); err != nil || len(removed) > 0 {
		t.Errorf("all five: got %v, %v", removed, err)
	}
	if removed, err := removeOlder(path, 2); err != nil || !slices.Equal(removed, stamps[:3]) {
		t.Errorf("two: got %v, %v", removed, err)
	}
	left := []string{}
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := append(slices.Clone(others), stamps[3:]...)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if _, err := removeOlder(filepath.Join(folder, "nowhere", "core.db"), 1); err == nil {
		t.Error("a folder that is not there: no error")
	}
}
