// Package tests runs the project as its users do: here the command line, without guests.
package tests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/magefile/mage/mg"
	"github.com/rogpeppe/go-internal/testscript"
)

// built is the folder of the compiled targets, as `mage -compile` makes them.
var built string

func TestMain(m *testing.M) {
	os.Exit(withMage(m.Run))
}

func withMage(run func() int) int {
	dir, err := os.MkdirTemp("", "coreos-libvirt-mage-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// of another clone's targets with the same magefiles/ Mage would make the same file at the same time
	if err := os.Setenv(mg.CacheEnv, filepath.Join(dir, "mages")); err != nil {
		panic(err)
	}
	if err := os.Setenv("COREOS_VERIFY", "off"); err != nil { // its programs take a minute to build; verify.txtar has them
		panic(err)
	}
	cmd := exec.Command("go", "run", "magefile.go", "-compile", filepath.Join(dir, "mage"))
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	built = dir
	return run()
}

// status runs a program, which must end with an exit status: status 2 mage plan.
func status(ts *testscript.TestScript, _ bool, args []string) {
	got, exit := "0", (*exec.ExitError)(nil)
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("%v: the exit status is %s", args, got)
	}
}

// TestCommandLine runs the scripts of testdata, each in a workspace with the shipped config and templates.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "await": await},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", built+":"+env.Getenv("PATH"))
			env.Setenv("COREOS_VERIFY", "off")
			env.Setenv("COREOS_STORE", filepath.Join(env.WorkDir, "store"))
			for _, folder := range []string{"templates", "ignition"} {
				if err := os.CopyFS(filepath.Join(env.WorkDir, folder), os.DirFS(filepath.Join("..", folder))); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
