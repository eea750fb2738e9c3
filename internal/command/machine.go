package command

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/launch/launcher"
	"coreos-libvirt/internal/remote"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/settings/targets"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/session"
)

// aboutAnother reports whether host= names another machine, to which the target is to be sent.
func aboutAnother(r *Run) bool { return r.Host != "" && !r.There }

// onMachine runs the target on the machines that host= names, by this program, and has the exit status of the first that fails.
func onMachine(ctx context.Context, r *Run, target string, root bool) error {
	for _, m := range machinesOf(r.Settings) {
		if err := sendTo(ctx, r, m, target, root); err != nil {
			return err
		}
	}
	return nil
}

// sendTo copies this program to the machine and runs the target there.
func sendTo(ctx context.Context, r *Run, m hosts.Host, target string, root bool) error {
	machine, program, remove, err := onMachineBy(ctx, r, m)
	defer remove()
	if err != nil {
		return err
	}
	words, err := wordsThere(r.Settings, m, target)
	if err != nil {
		return err
	}
	err = machine.Run(ctx, remote.Program{Path: program, Words: words, Env: envThere(r), Root: root, Stdout: os.Stdout, Stderr: os.Stderr})
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && hint.Of(err, "") == "" {
		return session.ExitStatus(exit.ExitCode())
	}
	return err
}

// onMachineBy is how the machine is reached, and this program for it. remove, which is never nil, ends its use.
func onMachineBy(ctx context.Context, r *Run, m hosts.Host) (machine remote.Machine, program string, remove func(), err error) {
	remove = func() {}
	if machine, err = reachedBySSH(m); err != nil {
		return machine, "", remove, err
	}
	arch, err := machine.Arch(ctx)
	if err != nil {
		return machine, "", remove, err
	}
	program, remove, err = programFor(r, arch)
	return machine, program, remove, err
}

// envThere are variables by which the program knows that this run has sent it there.
func envThere(r *Run) []string {
	env := []string{settings.ThereVariable + "=1", launch.CalledAs(launch.Called())}
	if r.InLab {
		env = append(env, settings.LabVariable+"=1")
	}
	return env
}

// machinesOf are the hosts that host= names: of the cluster by name or label, else one that ssh knows.
func machinesOf(s *settings.Settings) (all []hosts.Host) {
	known := s.Hosts
	if own, err := hosts.Parse(s.URI); err == nil && len(known) == 0 {
		known = own
	}
	names, err := hosts.Named(known, s.Host)
	if err != nil {
		return []hosts.Host{{Name: s.Host}}
	}
	for _, h := range known {
		if slices.Contains(names, h.Name) {
			all = append(all, h)
		}
	}
	return all
}

// reachedBySSH is how ssh reaches the host: as libvirt does, if it does so by ssh.
func reachedBySSH(h hosts.Host) (remote.Machine, error) {
	_, name, is := strings.Cut(h.Name, "@")
	if !is {
		name = h.Name
	}
	m := remote.Machine{Name: name, Destination: h.Name}
	if h.URI == "" {
		return m, nil
	}
	at, err := url.Parse(h.URI)
	if err != nil || at.Host == "" {
		return m, hint.Errorf("leave host= out", "%s is this machine: %s", h.Name, h.URI)
	}
	m.Destination, m.Key = at.Hostname(), at.Query().Get("keyfile")
	if user := at.User.Username(); user != "" {
		m.Destination = user + "@" + m.Destination
	}
	if at.Port() != "" && strings.Contains(at.Scheme, "ssh") {
		m.Destination = (&url.URL{Scheme: "ssh", User: at.User, Host: at.Host}).String()
	}
	return m, nil
}

// notSent are settings that say something of this machine, or say elsewhere which one it is.
var notSent = []string{"host", "hosts", "uri", "store", "discovery", "discovery_listen"}

// wordsThere is the command line on the machine: what this run was told, by whatever source, and how the machine is called here.
func wordsThere(s *settings.Settings, h hosts.Host, target string) ([]string, error) {
	rows, err := s.Rows("")
	if err != nil {
		return nil, err
	}
	t, _ := targets.Find(target)
	words := []string{target, "host=" + s.Host}
	for _, r := range rows {
		if s.Given(r.Name) && t.Has(r.Name) && !slices.Contains(notSent, r.Name) && (r.Name != "bridge" || h.Bridge == "") {
			words = append(words, r.Name+"="+r.Value)
		}
	}
	return append(words, ofHostThere(s, h, t)...), nil
}

// ofHostThere is what the cluster says of the host: its bridge, and its libvirt, which is a local one there.
func ofHostThere(s *settings.Settings, h hosts.Host, t targets.Target) (words []string) {
	if h.Bridge != "" && t.Has("bridge") {
		words = append(words, "bridge="+h.Bridge)
	}
	at, err := url.Parse(cmp.Or(h.URI, s.URI))
	if err == nil && t.Has("uri") && at.Path != "/system" && strings.HasPrefix(at.Scheme, "qemu") {
		words = append(words, "uri=qemu://"+at.Path)
	}
	return words
}

// rootsMage is how remedies begin that are this program's, as root on the machine that is looked at.
var rootsMage = regexp.MustCompile(`sudo env PATH="\$PATH" mage (host:[a-z]+)((?: [a-z_]+=\S+)*)`)

// fromThere is a remedy as it is typed where this run was sent from.
func fromThere(s *settings.Settings, remedy string) string {
	return rootsMage.ReplaceAllStringFunc(remedy, func(found string) string {
		part := rootsMage.FindStringSubmatch(found)
		return asCalled(s, part[1], strings.Fields(part[2])...)
	})
}

// programFor is this program for a machine of that architecture, and what removes it if it was built for that.
func programFor(r *Run, arch string) (path string, remove func(), err error) {
	remove = func() {}
	if launcher.IsOwn(arch) {
		path, err = labProgram(r.Workspace)
		return path, remove, err
	}
	if !slices.Contains([]string{"x86_64", "aarch64"}, arch) {
		return "", remove, hint.Errorf("x86_64 and aarch64 are known", "%s is a machine of the architecture %q, for which there is no program", r.Host, arch)
	}
	if err := needsGo("the program for " + arch); err != nil {
		return "", remove, err
	}
	folder, err := os.MkdirTemp("", "coreos-libvirt-")
	if err != nil {
		return "", remove, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	r.log.Say("compiling the program for %s", arch)
	path = filepath.Join(folder, "coreos-libvirt")
	return path, remove, launcher.Build(r.Workspace, launch.Release(r.Workspace), arch, path)
}
