package timeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheTimeOfAnImageIsRemembered: three times as long is too long.
func TestTheTimeOfAnImageIsRemembered(t *testing.T) {
	dir := t.TempDir()
	s := Silence{File: filepath.Join(dir, "silences.json"), Image: filepath.Join(dir, "base.qcow2"), DomainType: "kvm"}
	save := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(longest time.Duration) {
		t.Helper()
		if err := s.Keep(longest); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, want time.Duration) {
		t.Helper()
		if got := s.Limit(); got != want {
			t.Errorf("%s: want %s, got %s", what, want, got)
		}
	}
	save(s.Image, "")
	want("without history", newImageSilence)
	save(s.File, `{"kvm /gone.qcow2": 3}`)
	keep(50 * time.Second)
	want("after 50 s", 150*time.Second)
	if text, _ := os.ReadFile(s.File); strings.Contains(string(text), "gone") {
		t.Errorf("an image that is gone: got %s", text)
	}
	keep(time.Second)
	want("a quicker boot later", 112500*time.Millisecond)
	emulated := s
	if emulated.DomainType = "qemu"; emulated.Limit() != newImageSilence {
		t.Errorf("run by another: got %s", emulated.Limit())
	}
	save(s.File, `{"`+s.key()+`": 0.5}`)
	want("after half a second", leastSilenceLimit)
	for _, broken := range []string{"no JSON", "null", `{"` + s.key() + `": "long"}`} {
		save(s.File, broken)
		want("the file "+broken, newImageSilence)
	}
	save(s.File, "null")
	keep(time.Minute)
	want("after a minute", 3*time.Minute)
}
