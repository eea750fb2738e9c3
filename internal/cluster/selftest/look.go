package selftest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// insidePatience is how long all checks in the node may take together.
	insidePatience = 10 * time.Minute
	// mostSaid is how much of what a node says is read, in bytes.
	mostSaid = 1 << 20
	// keysPatience is how long sshd may take to show its host keys: ssh-keyscan gives it 20 s, for a connection to each kind.
	keysPatience = 2 * time.Minute
	// promptPatience is how long after sshd the login prompt may come.
	promptPatience = time.Minute
)

// inside runs a script for a POSIX shell in the node, as root, and gives what it printed.
func (s *Subject) inside(ctx context.Context, script string) (string, error) {
	out, said := &guest.Limited{Left: mostSaid}, &guest.Limited{Left: 4 << 10}
	cmd := s.Access.Command(ctx, "core", s.Node.Name, s.address(), "sudo sh -s")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), out, said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("ssh to the node: %w: %s", err, printable.Text(said.String()))
	}
	return out.String(), nil
}

// lookInside checks what the node itself can tell.
func (s *Subject) lookInside(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, insidePatience)
	defer cancel()
	s.Say("%s: looking inside", s.Node.Name)
	mark := "selftest-" + rand.Text()
	out, err := s.inside(ctx, facts.Script(s.Report.Distribution, mark))
	for fact, result := range facts.Parse(s.Report.Distribution, mark, out) {
		s.is(fact, result)
	}
	if err == nil {
		return
	}
	for _, fact := range facts.Table() {
		if _, found := s.Report.Results[fact.ID]; !found && !fact.OnHost && fact.Checked(s.Report.Distribution) {
			s.is(fact.ID, facts.Result{Status: facts.Unknown, Evidence: hint.FirstLine(err)})
		}
	}
}

// lookAtConsole checks what the first boot wrote on the serial console.
func (s *Subject) lookAtConsole(ctx context.Context, log guest.Log) {
	prompted, err := false, error(nil)
	for end := time.Now().Add(promptPatience); !prompted && time.Now().Before(end); {
		if prompted, _, err = guest.Login(log); !prompted && !wait.Sleep(ctx, time.Second) {
			return
		}
	}
	s.is("login", facts.Found(prompted, "%s", orText(err, fmt.Sprintf("a login prompt: %t", prompted))))
	console := guest.NewConsole(log)
	told, err := console.Failure()
	phases := console.Passed()
	seen := err == nil && told == nil && inOrder(facts.Phases(s.Report.Distribution), phases)
	s.is("phases", facts.Found(seen, "%s%s", strings.Join(append(phases, told...), ", "), errText(err)))
}

// inOrder reports whether all wanted are among the others, in their order.
func inOrder(wanted, all []string) bool {
	for _, one := range all {
		if len(wanted) > 0 && one == wanted[0] {
			wanted = wanted[1:]
		}
	}
	return len(wanted) == 0
}

// lookAtKeys compares the host keys that the node reported with those that sshd shows this host.
func (s *Subject) lookAtKeys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	shown, err := shownBy(ctx, "ssh-keyscan", "-T", "20", s.address())
	same, kinds := 0, []string{}
	for line := range strings.Lines(shown) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0][0] == '#' {
			continue
		}
		kinds = append(kinds, words[1])
		if slices.Contains(s.said.HostKeys, words[1]+" "+words[2]) {
			same++
		}
	}
	s.is("host-keys", facts.Found(err == nil && same > 0 && same == len(kinds), "sshd shows %s; the node reported %d of them%s", orText(nil, strings.Join(kinds, ", ")), same, errText(err)))
}

// shownBy is what the program prints: the node decides how much that is, and when it ends.
func shownBy(ctx context.Context, program string, args ...string) (string, error) {
	out := &guest.Limited{Left: mostSaid}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.WaitDelay = out, time.Second
	err := cmd.Run()
	return out.String(), err
}

// readableByQEMU are SELinux' types of what a guest's QEMU may read (libvirt's svirt, and what images have).
var readableByQEMU = []string{"svirt_image_t", "virt_content_t", "virt_image_t", "svirt_tmp_t"}

// lookAtLabels checks the labels of the running node's disk and document.
func (s *Subject) lookAtLabels(context.Context) {
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil {
		s.is("host-labels", facts.HostHasNot("SELinux"))
		return
	}
	good, seen := true, []string{}
	for _, path := range []string{s.Node.Overlay(), s.Node.Ignition()} {
		label := make([]byte, 256)
		n, err := unix.Getxattr(path, "security.selinux", label)
		text := strings.TrimRight(string(label[:max(n, 0)]), "\x00")
		seen = append(seen, s.Relative(path)+": "+text+errText(err))
		good = good && slices.ContainsFunc(readableByQEMU, func(kind string) bool { return strings.Contains(text, ":"+kind+":") })
	}
	s.is("host-labels", facts.Found(good, "%s", strings.Join(seen, "\n")))
}
