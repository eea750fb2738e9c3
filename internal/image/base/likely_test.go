package base

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLikelyOfAURL: the image at a URL has its place in the store before it is fetched.
func TestLikelyOfAURL(t *testing.T) {
	o := Options{Image: "https://example.org/web-1.qcow2.xz?token=x", SHA256: strings.Repeat("ab", 32), Arch: "x86_64", Store: "/store"}
	if path := Likely(t.Context(), o); path != filepath.Join("/store", "web-1-abababababab.qcow2") {
		t.Errorf("got %s", path)
	}
	if o.Image = "https://example.org/%zz"; Likely(t.Context(), o) != "" {
		t.Error("of what is no URL")
	}
}
