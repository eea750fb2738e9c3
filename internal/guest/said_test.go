package guest

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSaidHasALimit: a node may print for ever, and whatever it likes.
func TestSaidHasALimit(t *testing.T) {
	said, err := Said(exec.Command("sh", "-c", `printf '\033]0;title\007no\033[2J\n' >&2; head -c 3000000 /dev/zero | tr '\0' x; exit 3`))
	if !strings.HasPrefix(said, "no\nxxx") || len(said) > mostSaid || err == nil || err.Error() != "exit status 3" {
		t.Errorf("got %d bytes, %.20q, %v", len(said), said, err)
	}
}
