//go:build mage

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/hypervisor"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
)

// needLibvirt are the targets that talk to libvirt; a bare `mage` is up.
var needLibvirt = []string{"define", "up", "down", "ssh", "images", "prune", "plan", "status", "logs", "console", "stop", "start", "restart", "env", "sshconfig", "etcd", "backup", "restore", "host:check"}

// relaunch starts the same targets as a program that has libvirt's binding: a plain `mage` builds them
// without, as that would need libvirt's headers. It returns where that is not needed, or was tried before.
func relaunch(args []string) {
	if hypervisor.Available || settings.Relaunched() || !slices.ContainsFunc(args, isOfLibvirt) && len(args) > 0 {
		return
	}
	program, err := targets()
	if err == nil {
		err = syscall.Exec(program, append([]string{"mage"}, os.Args[1:]...), append(os.Environ(), settings.RelaunchedVariable+"=1"))
	}
	fmt.Fprintln(os.Stderr, "Error:", err)
	os.Exit(1)
}

func targets() (string, error) {
	workspace, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return launch.Targets(workspace)
}

func isOfLibvirt(arg string) bool { return slices.Contains(needLibvirt, strings.ToLower(arg)) }
