// Package host is the machine that libvirt runs on: what must be installed there.
package host

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// EnsurePackages installs those of the Debian packages that are missing, and says so in one line.
// Recommended packages stay out: less is installed, and no service starts that nobody asked for.
func EnsurePackages(ctx context.Context, names []string, say func(format string, args ...any)) error {
	lacking := missing(ctx, names)
	if len(lacking) == 0 {
		return nil
	}
	list := strings.Join(lacking, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return hint.Errorf("install what they are called here", "these Debian packages are needed, and this is not Debian: %s", list)
	}
	if os.Getuid() != 0 {
		return hint.Errorf("sudo apt-get install --no-install-recommends "+list, "packages are missing: %s", list)
	}
	say("installing Debian packages: %s", list)
	if err := apt(ctx, "install", append([]string{"--no-install-recommends"}, lacking...)...); err == nil {
		return nil
	}
	// the package lists may be old or not there at all
	if err := apt(ctx, "update"); err != nil {
		return err
	}
	return apt(ctx, "install", append([]string{"--no-install-recommends"}, lacking...)...)
}

// missing are the packages that dpkg does not know as installed.
func missing(ctx context.Context, names []string) []string {
	query := append([]string{"-W", "-f", "${Package} ${db:Status-Status}\n"}, names...)
	out, _ := exec.CommandContext(ctx, "dpkg-query", query...).Output() // its status tells of unknown names only
	installed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, status, _ := strings.Cut(strings.TrimSpace(line), " ")
		installed[name] = status == "installed"
	}
	lacking := []string{}
	for _, name := range names {
		if !installed[name] {
			lacking = append(lacking, name)
		}
	}
	return lacking
}

// apt runs one apt-get command that asks nothing and waits for another one to end.
func apt(ctx context.Context, verb string, args ...string) error {
	words := append([]string{"-y", "-q", "-o", "DPkg::Lock::Timeout=300", verb}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", words...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return hint.Errorf("run it by hand to see more: apt-get "+strings.Join(words, " "), "apt-get %s: %w\n%s", verb, err, tail(string(out), 10))
	}
	return nil
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
