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
	if got := Add(fs.ErrExist, ""); !errors.Is(got, fs.ErrExist) || got.Error() != fs.ErrExist.Error() {
		t.Errorf("no advice: got %q", got)
	}
	once := Add(fs.ErrExist, "first")
	if got := Add(once, "second").Error(); got != "file already exists\nhint: first" {
		t.Errorf("got %q", got)
	}
}

func TestOf(t *testing.T) {
	bare := errors.New("a")
	for want, err := range map[string]error{"": bare, "b": Errorf("b", "a"), "c": fmt.Errorf("d: %w", Errorf("c", "a"))} {
		if got := Of(err, ""); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
	if got := Of(bare, "e"); got != "e" {
		t.Errorf("got %q", got)
	}
}
