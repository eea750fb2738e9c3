package command

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// insidePatience is how long all checks in the node may take together.
	insidePatience = 10 * time.Minute
	// mostSaid is how much of what a node says is read, in bytes.
	mostSaid = 1 << 20
	// onlinePatience is how long what was plugged may take to be used.
	onlinePatience = time.Minute
	// promptPatience is how long after sshd the login prompt may come.
	promptPatience = time.Minute
)

// inside runs a script for a POSIX shell in the node, as root, and gives what it printed.
func (s *selftest) inside(ctx context.Context, script string) (string, error) {
	out, said := &limited{left: mostSaid}, &limited{left: 4 << 10}
	cmd := s.access.Command(ctx, "core", s.node.Name, s.said.Address(s.node.MAC), "sudo sh -s")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), out, said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("ssh to the node: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}

// limited keeps the beginning of what is written.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, err := l.Buffer.Write(p[:n])
	return len(p), err
}

// lookInside checks what the node itself can tell.
func (s *selftest) lookInside(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, insidePatience)
	defer cancel()
	s.log.Say("%s: looking inside", s.node.Name)
	mark := "selftest-" + rand.Text()
	out, err := s.inside(ctx, facts.Script(s.report.Distribution, mark))
	for fact, result := range facts.Parse(s.report.Distribution, mark, out) {
		s.is(fact, result)
	}
	if err == nil {
		return
	}
	for _, fact := range facts.Table() {
		if _, found := s.report.Results[fact.ID]; !found && !fact.OnHost && fact.Checked(s.report.Distribution) {
			s.is(fact.ID, facts.Result{Status: facts.Unknown, Evidence: hint.FirstLine(err)})
		}
	}
}

// lookAtConsole checks what the first boot wrote on the serial console.
func (s *selftest) lookAtConsole(ctx context.Context) {
	prompted, err := false, error(nil)
	for end := time.Now().Add(promptPatience); !prompted && time.Now().Before(end); {
		if prompted, _, err = guest.Login(s.node.Console()); !prompted && !wait.Sleep(ctx, time.Second) {
			return
		}
	}
	s.is("login", facts.Found(prompted, "%s", orText(err, fmt.Sprintf("a login prompt: %t", prompted))))
	console := guest.NewConsole(s.node.Console())
	told, err := console.Failure()
	phases := console.Passed()
	seen := err == nil && told == nil && inOrder(facts.Phases(s.report.Distribution), phases)
	s.is("phases", facts.Found(seen, "%s%s", strings.Join(append(phases, told...), ", "), errText(err)))
}

// inOrder tells whether all wanted are among the others, in their order.
func inOrder(wanted, all []string) bool {
	for _, one := range all {
		if len(wanted) > 0 && one == wanted[0] {
			wanted = wanted[1:]
		}
	}
	return len(wanted) == 0
}

// lookAtKeys compares the host keys that the node reported with those that sshd shows this host.
func (s *selftest) lookAtKeys(ctx context.Context) {
	shown, err := exec.CommandContext(ctx, "ssh-keyscan", "-T", "20", s.said.Address(s.node.MAC)).Output()
	same, kinds := 0, []string{}
	for line := range strings.Lines(string(shown)) {
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

func errText(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// readableByQEMU are SELinux' types of what a guest's QEMU may read (libvirt's svirt, and what images have).
var readableByQEMU = []string{"svirt_image_t", "virt_content_t", "virt_image_t", "svirt_tmp_t"}

// lookAtLabels checks the labels of the running node's disk and document.
func (s *selftest) lookAtLabels(context.Context) {
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil {
		s.is("host-labels", facts.HostHasNot("SELinux"))
		return
	}
	good, seen := true, []string{}
	for _, path := range []string{s.node.Overlay(), s.node.Ignition()} {
		label := make([]byte, 256)
		n, err := unix.Getxattr(path, "security.selinux", label)
		text := strings.TrimRight(string(label[:max(n, 0)]), "\x00")
		seen = append(seen, s.relative(path)+": "+text+errText(err))
		good = good && slices.ContainsFunc(readableByQEMU, func(kind string) bool { return strings.Contains(text, ":"+kind+":") })
	}
	s.is("host-labels", facts.Found(good, "%s", strings.Join(seen, "\n")))
}

// machine is what a node has online.
type machine struct{ processors, kib int }

// machine asks the node what it has online.
func (s *selftest) machine(ctx context.Context) (m machine, err error) {
	out, err := s.inside(ctx, "grep -c ^processor /proc/cpuinfo\nsed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo\n")
	words := strings.Fields(out)
	if err == nil && len(words) != 2 {
		err = fmt.Errorf("the node says %q", out)
	}
	if err != nil {
		return m, err
	}
	if m.processors, err = strconv.Atoi(words[0]); err == nil {
		m.kib, err = strconv.Atoi(words[1])
	}
	return m, err
}

// plugIn gives the running node a processor and memory more, as `mage up vcpu= ram=` does, and waits until it uses them.
func (s *selftest) plugIn(ctx context.Context) {
	const more = 128 // MiB
	s.log.Say("%s: plugging in a processor and %d MiB", s.node.Name, more)
	before, err := s.machine(ctx)
	if err == nil {
		_, err = s.up(ctx, fmt.Sprintf("vcpu=%d", s.VCPU+1), fmt.Sprintf("ram=%d", s.RAM+more))
	}
	now := before
	for end := time.Now().Add(onlinePatience); err == nil && time.Now().Before(end); {
		if now, err = s.machine(ctx); now.processors > before.processors && now.kib > before.kib || !wait.Sleep(ctx, 2*time.Second) {
			break
		}
	}
	s.is("hotplug-cpu", facts.Found(now.processors == before.processors+1, "%d processors, then %d%s", before.processors, now.processors, errText(err)))
	s.is("hotplug-memory", facts.Found(now.kib-before.kib > more<<9, "%d MiB, then %d%s", before.kib>>10, now.kib>>10, errText(err)))
}

// shutDown presses ACPI's power button, and ends the node by force if that does nothing.
func (s *selftest) shutDown(ctx context.Context) {
	s.log.Say("%s: pressing its power button", s.node.Name)
	begin := time.Now()
	err := s.conn.Shutdown(s.node.Name)
	waiting, cancel := context.WithTimeout(ctx, s.Grace)
	defer cancel()
	ended := false
	if err == nil {
		ended, err = s.awaitEnd(waiting, s.node.Name)
	}
	s.is("acpi-off", facts.Found(ended && err == nil, "ended by itself: %t, after %.0f s%s", ended, time.Since(begin).Seconds(), errText(err)))
	_ = s.conn.Destroy(s.node.Name)
}

// bootAgain boots the node a second time. Ignition must not run again.
func (s *selftest) bootAgain(ctx context.Context) {
	r, err := s.with(ctx)
	if err != nil {
		s.is("second-boot", facts.Found(false, "%v", err))
		return
	}
	b := r.boot(ctx, plan.Step{Node: s.node})
	keys := slices.Equal(slices.Sorted(slices.Values(b.Report.HostKeys)), slices.Sorted(slices.Values(s.said.HostKeys)))
	other := b.Report.BootID != s.said.BootID
	s.is("second-boot", facts.Found(b.Err == nil && keys && other, "the same host keys: %t, another boot id: %t%s", keys, other, errText(b.Err)))
	if b.Err == nil && b.Address() != "" {
		s.said = b.Report
	}
}
