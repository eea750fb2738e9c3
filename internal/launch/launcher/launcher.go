// Package launcher is Mage for those who have not installed it: `go run magefile.go up`.
package launcher

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/magefile/mage/mage"

	"coreos-libvirt/internal/launch"
)

// Main does what Mage does with the arguments of this process. Targets are run by the program that is kept of them, which takes
// this process' place; it is built while no other is.
func Main() int {
	workspace, err := os.Getwd()
	if err != nil {
		return mage.Main()
	}
	asked, command, err := mage.Parse(io.Discard, io.Discard, os.Args[1:])
	switch {
	case err != nil || asked.Dir != "" || asked.WorkDir != "":
	case command == mage.CompileStatic:
		return compile(workspace, asked)
	case command == mage.None && runs(asked):
		run(workspace)
	}
	return mage.Main() // which says what is wrong, too
}

// runs reports whether targets are to be run, or their help is wanted, and nothing is said of how they are built.
func runs(asked mage.Invocation) bool {
	special := asked.List || asked.Autocomplete || asked.Force || asked.Debug || asked.Keep || asked.Multiline
	return !special && (!asked.Help || len(asked.Args) > 0)
}

// run starts the targets in this process' place. It returns if they cannot be built.
func run(workspace string) {
	if program, err := launch.Targets(workspace); err == nil {
		_ = syscall.Exec(program, append([]string{"mage"}, os.Args[1:]...), append(os.Environ(), launch.Launched()))
		_ = os.Remove(program) // it is damaged
	}
}

// compile builds the targets as a program to be kept.
func compile(workspace string, asked mage.Invocation) int {
	code := 1
	err := launch.Alone(workspace, func(sources string) (err error) {
		asked.Dir, asked.Stdin, asked.Stdout, asked.Stderr = sources, os.Stdin, os.Stdout, os.Stderr
		if asked.CompileOut, err = filepath.Abs(asked.CompileOut); err == nil {
			code = mage.Invoke(asked)
		}
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	return code
}
