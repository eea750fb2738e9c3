package guest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestFollowedLinesArePrintable, and begin with the node's name.
func TestFollowedLinesArePrintable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	if err := os.WriteFile(path, []byte("\x1b[2Jone\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := ""
	log := ConsoleLog{Log: logAt(path), Prefix: "core01 "}
	if err := log.Follow(ctx, func(line string) { got = line; cancel() }); err != nil || got != "core01 one" {
		t.Errorf("got %q, %v", got, err)
	}
}
