// Package pace is, for tests, how long things may take on this machine: as many times as long as a tiny guest's boot,
// which is measured once in a process. A machine five times slower has limits that are five times longer.
package pace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/testkit/tinyguest"
)

// Hang is for what has to end some time: a limit that only keeps a test from hanging.
const Hang = 10 * time.Minute

// Answer is for what answers in a moment if it answers at all, and is asked again if it does not: ten times what runs give a member of etcd.
const Answer = 30 * time.Second

// least is what a boot counts at least: that of a machine of two processors without KVM, with nothing else to do. Where
// KVM works a tiny guest says more about firmware than about the rest.
const least = 2 * time.Second

// store is where the guest's parts are: the lab's image was built there.
const store = "/var/cache/coreos-libvirt"

// Boot is how long a tiny guest takes here from its start to its first word.
var Boot = sync.OnceValue(func() time.Duration {
	took, err := boot()
	if err != nil {
		panic(fmt.Sprintf("a tiny guest does not boot here: %v", err))
	}
	return max(took, least)
})

// Limit is n boots of a tiny guest: a full guest takes about 8 alone, three at once on two processors about 18.
func Limit(n float64) time.Duration {
	return time.Duration(n * float64(Boot())).Round(time.Second)
}

// IsSlow reports whether this machine has so little to give that stories on guests are better run one after the other: a guest that
// gets too little of a processor does more work for that, as its services time out and are started again.
func IsSlow() bool { return Boot() >= 2*least }

// Setting is Limit as a word for a target: timeout=90s.
func Setting(name string, n float64) string { return fmt.Sprintf("%s=%.0fs", name, Limit(n).Seconds()) }

// boot boots one, by QEMU alone, and kills it.
func boot() (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Hang)
	defer cancel()
	dir, err := os.MkdirTemp("", "coreos-libvirt-pace-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kernel, initramfs, err := tinyguest.Build(ctx, store, dir)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-m", "96", "-nodefaults", "-no-user-config",
		"-display", "none", "-serial", "stdio", "-kernel", kernel, "-initrd", initramfs, "-append", tinyguest.Arguments+" mac=52:54:00:00:00:01 fail=prompt")
	console, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	for lines := bufio.NewScanner(console); lines.Scan(); {
		if strings.Contains(lines.Text(), "no such partition") {
			return time.Since(begin), nil
		}
	}
	return 0, errors.New("its console says nothing")
}
