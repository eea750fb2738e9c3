package facts

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// TestChecksCanFail runs each check in two worlds that no distribution is like: in one there is nothing, in the other
// every file is there and empty, can be written, and every program succeeds and says nothing. It has to fail in one.
func TestChecksCanFail(t *testing.T) {
	all, none := t.TempDir(), t.TempDir() // `command -v` looks there
	for _, program := range append(Programs, Program{Name: "any"}) {
		if err := os.WriteFile(filepath.Join(all, program.Name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, fact := range Table() {
		for d, claim := range fact.Claims {
			if claim.Check != "" && succeeds(t, claim.Check, none, false) && succeeds(t, claim.Check, all, true) {
				t.Errorf("%s of %s: the check cannot fail:\n%s", fact.ID, d, claim.Check)
			}
		}
	}
}

// succeeds runs commands in the world where everything is there, or in the one where nothing is.
func succeeds(t *testing.T, commands, path string, everything bool) bool {
	t.Helper()
	script, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(commands), "")
	if err != nil {
		t.Fatalf("%v\n%s", err, commands)
	}
	file := filepath.Join(path, "any")
	missing := &os.PathError{Op: "open", Err: os.ErrNotExist}
	nothing := &bytes.Buffer{}
	shell, err := interp.New(interp.StdIO(nil, nothing, nothing), interp.Env(expand.ListEnviron("PATH="+path)),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
			return func(context.Context, []string) error {
				if everything {
					return nil
				}
				return interp.NewExitStatus(127)
			}
		}),
		interp.OpenHandler(func(_ context.Context, path string, flag int, mode os.FileMode) (io.ReadWriteCloser, error) {
			if !everything && path != "/dev/null" {
				return nil, missing
			}
			return os.OpenFile(file, flag, mode)
		}),
		interp.StatHandler(func(context.Context, string, bool) (os.FileInfo, error) {
			if !everything {
				return nil, missing
			}
			return os.Stat(file)
		}),
		interp.ReadDirHandler(func(context.Context, string) ([]os.FileInfo, error) { return nil, missing }),
	)
	if err != nil {
		t.Fatal(err)
	}
	return shell.Run(t.Context(), script) == nil
}
