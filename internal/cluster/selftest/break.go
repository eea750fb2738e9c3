package selftest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// emergencyPatience is how long the emergency shell may take to show itself.
	emergencyPatience = 40 * time.Second
	// panicPatience is how long after that the kernel's panic may take.
	panicPatience = 60 * time.Second
	// consoleEvery is how often the console is looked at meanwhile.
	consoleEvery = time.Second
)

// breaking makes the node go to its emergency shell, and a while later lets its kernel panic: from a unit that outlives
// what the shell's target ends. It says first what /dev/console is.
var breaking = fmt.Sprintf(`tr ' ' '\n' </proc/cmdline | sed -n 's/^console=//p' | tail -n 1
cat >/run/systemd/system/selftest-break.service <<'END'
[Unit]
DefaultDependencies=no
IgnoreOnIsolate=yes
[Service]
ExecStart=/bin/sh -c 'sleep 3; systemctl --no-block isolate emergency.target; sleep %.0f; echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'
END
systemctl daemon-reload && systemctl --no-block start selftest-break.service
`, emergencyPatience.Seconds())

var (
	emergencyLine = regexp.MustCompile(`(?i)emergency mode|emergency shell|for maintenance|root account is locked`)
	panicLine     = regexp.MustCompile(`Kernel panic - not syncing`)
)

// breakDown provokes an emergency shell and a panic, and checks that the console's watcher knows them.
func (s *Subject) breakDown(ctx context.Context, log guest.Log) {
	s.Say("%s: to its emergency shell, then a kernel's panic", s.Node.Name)
	console := guest.NewConsoleEnd(log)
	last, err := s.inside(ctx, breaking)
	if err != nil {
		s.is("emergency", facts.Found(false, "%s", hint.FirstLine(err)))
		s.is("panic", facts.Found(false, "%s", hint.FirstLine(err)))
		return
	}
	shell, panicked := awaitBreakdown(ctx, console)
	last = strings.TrimSpace(last)
	s.is("panic", facts.Found(panicked != "", "%s", orText(nil, panicked)))
	s.is("emergency", facts.Found(shell != "", "/dev/console is %s; on the serial console: %s", last, orText(nil, shell)))
}

// awaitBreakdown gives the lines by which the console's watcher tells of the emergency shell and of the panic, empty where
// it does not.
func awaitBreakdown(ctx context.Context, console *guest.Console) (shell, panicked string) {
	for end := time.Now().Add(emergencyPatience + panicPatience); panicked == "" && time.Now().Before(end); {
		told, err := console.Failure()
		if err != nil {
			return shell, panicked
		}
		for _, line := range told {
			if shell == "" && emergencyLine.MatchString(line) {
				shell = line
			}
			if panicked == "" && panicLine.MatchString(line) {
				panicked = line
			}
		}
		if !wait.Sleep(ctx, consoleEvery) {
			break
		}
	}
	return shell, panicked
}
