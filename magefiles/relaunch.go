//go:build mage

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/hypervisor"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
)

// needLibvirt are the targets that talk to libvirt; a bare `mage` is up.
var needLibvirt = []string{"define", "up", "down", "ssh", "images", "prune", "plan", "status", "logs", "console", "stop", "start", "restart", "env", "sshconfig", "etcd", "backup", "restore", "host:check"}

// relaunch starts the same targets by the launcher, which builds them with libvirt's binding: a plain
// `mage` builds them without, as that would need libvirt's headers. It returns where that is not
// needed, or was tried before.
func relaunch(args []string) {
	if hypervisor.Available || settings.Relaunched() || !slices.ContainsFunc(args, isOfLibvirt) && len(args) > 0 {
		return
	}
	program, argv, err := launcher()
	if err != nil {
		return
	}
	env := launch.Environment()
	env[settings.RelaunchedVariable] = "1"
	for name, value := range env {
		err = errors.Join(err, os.Setenv(name, value)) // of a name that is there twice the first counts
	}
	if err == nil {
		err = syscall.Exec(program, append(argv, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot start", program+":", err)
	os.Exit(1)
}

// launcher is Mage itself, which keeps exit statuses, or where it is not there `go run magefile.go`.
func launcher() (program string, argv []string, err error) {
	self, _ := os.Executable()
	if mage, err := exec.LookPath("mage"); err == nil && !sameFile(mage, self) {
		return mage, []string{"mage"}, nil
	}
	program, err = exec.LookPath("go")
	return program, []string{"go", "run", "magefile.go"}, err
}

// sameFile tells whether both are one program: targets may have been compiled to a file called mage.
func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

func isOfLibvirt(arg string) bool { return slices.Contains(needLibvirt, strings.ToLower(arg)) }
