package shellword

import (
	"os/exec"
	"testing"
)

// TestOf: a shell gives each text back as it was.
func TestOf(t *testing.T) {
	for _, text := range []string{"", "plain", "two words", "it's", "''", "$HOME `id` \\ \"*\" !", "a\nb"} {
		if out, err := exec.Command("sh", "-c", "printf %s "+Of(text)).Output(); err != nil || string(out) != text {
			t.Errorf("%q: got %q, %v", text, out, err)
		}
	}
}
