package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/printable"
)

// ReadyUnit is the systemd unit that reports the node. When it fails, its last lines are on the serial console behind its
// name (templates/ready.service).
const ReadyUnit = "coreos-libvirt-ready.service"

// prompt is agetty's: "core01 login:". Flatcar logs core in by itself: "core01 login: core (automatic login)". No line break
// ends it: the next line of the kernel's or systemd's, which begins with a bracket, stands behind it.
var prompt = regexp.MustCompile(`\blogin:( \S+ \(automatic login\))?( *\[.*)?$`)

// consoleTail is how much of a console's end is looked at, in bytes.
const consoleTail = 64 << 10

// Login is what the console log shows of a system that runs: whether the last boot came to a login prompt, and the
// last lines of the readiness unit, each once, if that failed.
func Login(log Log) (prompted bool, unit []string, err error) {
	text, err := readFrom(log, -consoleTail)
	if err != nil {
		return false, nil, err
	}
	for line := range strings.Lines(string(text)) {
		line, words, failed := strings.Cut(printable.Line(line), ReadyUnit+": ") // which may stand behind the prompt
		switch {
		case strings.Contains(line, "Linux version "):
			prompted, unit = false, nil // a new boot
		case prompt.MatchString(strings.TrimSpace(line)):
			prompted = true
		}
		words = shorten(strings.TrimPrefix(words, ReadyUnit+": "))
		if failed && !slices.Contains(unit, words) && !strings.HasPrefix(words, "Started ") { // systemd's, of the next try
			unit = append(unit, words)
			unit = unit[max(0, len(unit)-3):]
		}
	}
	return prompted, unit, nil
}

// SSHAnswers is nil if an SSH server sends its banner (RFC 4253, 4.2) at the address before ctx ends.
func SSHAnswers(ctx context.Context, at netip.AddrPort) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.String())
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	const longest = 8 << 10 // other lines may come before the banner
	lines := bufio.NewScanner(io.LimitReader(conn, longest))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "SSH-") {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("%s: no SSH banner", at), lines.Err())
}
