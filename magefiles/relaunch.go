//go:build mage

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/secret"
)

// relaunch starts the same targets as a program that has libvirt's binding, if they need it: a plain `mage` builds them
// without, as that would need libvirt's headers. It returns if that is not needed, or was tried before; or if it would only
// show more, and cannot be built, as without a C compiler.
func relaunch(needed, shows bool) {
	if libvirt.Available || settings.Relaunched() || !needed && !shows {
		return
	}
	args, variables := secret.Exported(os.Args[1:])
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if os.Setenv(name, value) != nil {
			return // of a value that no variable can have
		}
	}
	startTargets(args)
	if needed {
		startMage(args)
	}
}

// startTargets starts the program that was built, and returns where there is none, or it cannot be started.
func startTargets(args []string) {
	workspace, err := os.Getwd()
	if err != nil {
		return
	}
	program, err := launch.Targets(workspace)
	if err != nil {
		return
	}
	_ = syscall.Exec(program, append([]string{"mage"}, args...), append(os.Environ(), settings.RelaunchedVariable+"=1"))
	_ = os.Remove(program) // it is damaged
}

// startMage leaves it to Mage to build the program, and to say what is wrong where that fails.
func startMage(targets []string) {
	program, args, err := launch.Mage()
	if err != nil {
		return
	}
	env := launch.Environment()
	env[settings.RelaunchedVariable] = "1"
	for name, value := range env {
		err = errors.Join(err, os.Setenv(name, value)) // of a name that is there twice the first counts
	}
	if err == nil {
		err = syscall.Exec(program, slices.Concat([]string{filepath.Base(program)}, args, targets), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot start", program+":", err)
	os.Exit(1)
}
