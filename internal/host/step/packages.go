package step

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// manager is how a family of distributions installs packages. Those that others recommend stay out. remove
// takes exactly the packages named, and refuses where another needs them. refresh fetches the lists of packages again.
type manager struct {
	install, refresh, list, remove []string
}

var managers = map[string]manager{
	"apt": {
		[]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=300", "--no-install-recommends", "install"},
		[]string{"apt-get", "-q", "update"},
		[]string{"dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"},
		[]string{"dpkg", "--remove"},
	},
	"dnf": {
		[]string{"dnf", "-y", "--setopt=install_weak_deps=False", "install"},
		[]string{"dnf", "-y", "makecache", "--refresh"},
		[]string{"rpm", "-qa", "--queryformat", "installed %{NAME}\n"},
		[]string{"rpm", "-e"},
	},
	"zypper": {
		[]string{"zypper", "--non-interactive", "install", "--no-recommends"},
		[]string{"zypper", "--non-interactive", "refresh"},
		[]string{"rpm", "-qa", "--queryformat", "installed %{NAME}\n"},
		[]string{"rpm", "-e"},
	},
	"pacman": {
		[]string{"pacman", "-S", "--noconfirm", "--needed"},
		[]string{"pacman", "-Sy", "--noconfirm"},
		[]string{"sh", "-c", "pacman -Qq | sed 's/^/installed /'"},
		[]string{"pacman", "-R", "--noconfirm"},
	},
}

// Packages are those that were missing. Installed is what came with them, in full.
type Packages struct {
	Manager   string   `json:"manager"`
	Names     []string `json:"names"`
	Installed []string `json:"installed"`
}

// Lacking plans those of the packages that are not there, or nothing.
func Lacking(ctx context.Context, program string, names []string) (*Packages, error) {
	there, err := installed(ctx, program)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return there[name] })
	if len(names) == 0 {
		return nil, nil
	}
	return &Packages{Manager: program, Names: names}, nil
}

// installed are the names of all packages that are there, whole.
func installed(ctx context.Context, program string) (map[string]bool, error) {
	return packagesThat(ctx, program, func(status string) bool { return status == "installed" })
}

// present are those, and those that an installation left half done.
func present(ctx context.Context, program string) (map[string]bool, error) {
	return packagesThat(ctx, program, func(status string) bool { return status != "not-installed" && status != "config-files" })
}

func packagesThat(ctx context.Context, program string, are func(status string) bool) (map[string]bool, error) {
	list := managers[program].list
	out, err := exec.CommandContext(ctx, list[0], list[1:]...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot find out which packages are installed: %s: %w", strings.Join(list, " "), err)
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if status, name, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" && are(status) {
			there[name] = true
		}
	}
	return there, nil
}

// Commands would install them.
func (p *Packages) Commands() []string {
	words := managers[p.Manager].install
	if i := slices.Index(words, "apt-get"); i > 0 {
		words = []string{"apt-get", "install", "--no-install-recommends"}
	}
	return []string{strings.Join(append(slices.Clone(words), p.Names...), " ")}
}

// Do installs them, and sees what came along, also with an installation that fails half way.
func (p *Packages) Do(ctx context.Context, _ Machine) error {
	before, err := present(ctx, p.Manager)
	if err != nil {
		return err
	}
	manager := managers[p.Manager]
	install := func() error { return Run(ctx, append(slices.Clone(manager.install), p.Names...)...) }
	if err = install(); err != nil && Run(ctx, manager.refresh...) == nil {
		err = install() // the lists were old or not there at all
	}
	after, failed := present(context.WithoutCancel(ctx), p.Manager)
	for name := range after {
		if !before[name] {
			p.Installed = append(p.Installed, name)
		}
	}
	slices.Sort(p.Installed)
	return errors.Join(err, failed)
}

// Undo removes what was installed and is there. Where Do was interrupted, that is what was asked for.
func (p *Packages) Undo(ctx context.Context, _ Machine) error {
	there, err := present(ctx, p.Manager)
	if err != nil {
		return err
	}
	names := p.Installed
	if len(names) == 0 {
		names = p.Names
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !there[name] })
	if len(names) == 0 {
		return nil
	}
	return hint.Add(Run(ctx, append(slices.Clone(managers[p.Manager].remove), names...)...), "remove what needs them first")
}
