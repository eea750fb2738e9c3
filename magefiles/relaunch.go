//go:build mage

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/hypervisor"
	"coreos-libvirt/internal/settings"
)

// needLibvirt are the targets that talk to libvirt; a bare `mage` is up.
var needLibvirt = []string{"define", "up", "down", "ssh", "images", "prune", "plan", "status", "logs", "console", "stop", "start", "restart", "env", "sshconfig", "etcd"}

// relaunch starts the same targets by the launcher, which builds them with libvirt's binding: a plain
// `mage` builds them without, as that would need libvirt's headers. It returns where that is not
// needed, or was tried before.
func relaunch(args []string) {
	if hypervisor.Available || settings.Relaunched() || !slices.ContainsFunc(args, isOfLibvirt) && len(args) > 0 {
		return
	}
	program, err := exec.LookPath("go")
	if err != nil {
		return
	}
	argv := append([]string{"go", "run", "magefile.go"}, os.Args[1:]...)
	err = syscall.Exec(program, argv, append(os.Environ(), settings.RelaunchedVariable+"=1"))
	fmt.Fprintln(os.Stderr, "cannot start go:", err)
	os.Exit(1)
}

func isOfLibvirt(arg string) bool { return slices.Contains(needLibvirt, strings.ToLower(arg)) }
