package local

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
)

// TestFollower has a log that is written to, moved away, emptied and missing, and reads after each of these.
func TestFollower(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	write := func(to string, flags int, text string) func() error {
		return func() error {
			file, err := os.OpenFile(to, flags|os.O_WRONLY|os.O_CREATE, 0o600)
			if err != nil {
				return err
			}
			_, _ = file.WriteString(text)
			return file.Close()
		}
	}
	long := strings.Repeat("x", engine.LongestLine)
	got := []string{}
	f := &follower{path: path, Follower: engine.Follower{Each: func(line string) { got = append(got, line) }}}
	defer f.close()
	for _, c := range []struct {
		what string
		does func() error
		want []string
	}{
		{"there is none yet", func() error { return nil }, nil},
		{"it begins with a line and a half", write(path, os.O_APPEND, "one\ntw"), []string{"one"}},
		{"nothing comes", func() error { return nil }, nil},
		{"the other half", write(path, os.O_APPEND, "o\n\nfour\n"), []string{"two", "", "four"}},
		{"a line without an end", write(path, os.O_APPEND, long+long[1:]), []string{long}},
		{"its end", write(path, os.O_APPEND, "\n"), []string{long[1:]}},
		{"it grows, is moved away, and begins again", func() error {
			for _, do := range []func() error{
				write(path, os.O_APPEND, "last\n"), func() error { return os.Rename(path, path+".0") }, write(path, os.O_APPEND, "first\nhal"),
			} {
				if err := do(); err != nil {
					return err
				}
			}
			return nil
		}, []string{"last", "first"}},
		{"it is emptied by another boot", write(path, os.O_TRUNC, "boot\n"), []string{"boot"}},
		{"it is away", func() error { return os.Remove(path) }, nil},
		{"it is back", write(path, os.O_APPEND, "again\n"), []string{"again"}},
	} {
		got = []string{}
		if err := c.does(); err != nil {
			t.Fatal(err)
		}
		if err := f.read(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %.200q, %v", c.what, got, err)
		}
	}
}

// TestFollow gives lines until it is to end, and says why it cannot.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	node := filesIn(dir)
	save(t, node.Console, "one\r\n")
	var disks Disks
	ctx, cancel := context.WithCancel(t.Context())
	got := ""
	if err := disks.Log(node).Follow(ctx, func(line string) { got = line; cancel() }); err != nil || got != "one\r" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := disks.Log(engine.Files{Console: dir}).Follow(t.Context(), func(string) {}); err == nil || !strings.HasPrefix(err.Error(), "cannot follow the console log: ") {
		t.Errorf("a folder: got %v", err)
	}
}
