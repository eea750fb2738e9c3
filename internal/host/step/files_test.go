package step

import (
	"strings"
	"testing"
)

// What changes a file is shown as the change.
func TestCommandsOfFile(t *testing.T) {
	was := "a\nb\n"
	got := (&File{Path: "etc/x", Text: "a\nc\n", Before: &was}).Commands()
	if len(got) != 1 || !strings.HasPrefix(got[0], "patch -d / -p1 <<'END'\n--- /etc/x\n+++ /etc/x\n") || !strings.Contains(got[0], "\n-b\n+c\n") {
		t.Errorf("got %q", got)
	}
	if got := (&File{Path: "etc/x", Text: "a\n"}).Commands(); len(got) != 1 || got[0] != "cat > /etc/x <<'END'\na\nEND" {
		t.Errorf("got %q", got)
	}
}
