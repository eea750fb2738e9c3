package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestErrorf(t *testing.T) {
	err := fmt.Errorf("core01: %w", Errorf("try again", "cannot read %s: %w", "x", fs.ErrNotExist))
	if want := "core01: cannot read x: file does not exist\nhint: try again"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestAdd(t *testing.T) {
	if Add(nil, "x") != nil {
		t.Error("advice on no error must be no error")
	}
	once := Add(fs.ErrExist, "first")
	if got := Add(once, "second").Error(); got != "file already exists\nhint: first" {
		t.Errorf("got %q", got)
	}
}
