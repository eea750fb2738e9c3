package moment

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/printable"
)

// setClock is the shell command that sets the guest's clock: it says that it is there, and reads the time then, so that what ssh
// takes to log in does not count. Then it says what its clock shows. Nothing else does that on both systems: neither has QEMU's
// agent do it (Fedora CoreOS has none), and chronyd steps a clock only in its first three updates (chrony.conf(5), makestep).
const setClock = `sudo -n sh -c 'echo now && read t && date -u -s "@$t" >/dev/null && date +%s.%N'`

// SetClock sets the clock of a guest to that of this host. login runs a command of a shell in it. It gives how far the clock is
// off then, at most: the answer takes time, too.
func SetClock(login func(command string) *exec.Cmd) (off time.Duration, err error) {
	cmd := login(setClock)
	said := &guest.Limited{Left: 1 << 10}
	cmd.Stderr = said
	to, errIn := cmd.StdinPipe()
	from, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		return 0, err
	}
	shows, err := converse(to, bufio.NewReader(io.LimitReader(from, 1<<10)))
	now := time.Now()
	if ended := cmd.Wait(); ended != nil {
		err = fmt.Errorf("%w: %s", ended, printable.Text(strings.TrimSpace(said.String())))
	}
	return now.Sub(shows).Abs(), err
}

// converse tells the guest the time when it asks for it, and gives what its clock shows then.
func converse(to io.WriteCloser, from *bufio.Reader) (shows time.Time, err error) {
	defer func() { _ = to.Close() }()
	if line, err := from.ReadString('\n'); err != nil || line != "now\n" {
		return shows, fmt.Errorf("it says %q: %w", printable.Text(line), err)
	}
	now := time.Now()
	if _, err := fmt.Fprintf(to, "%d.%09d\n", now.Unix(), now.Nanosecond()); err != nil {
		return shows, err
	}
	line, err := from.ReadString('\n')
	seconds, errParse := strconv.ParseFloat(strings.TrimSpace(line), 64)
	return time.UnixMicro(int64(seconds * 1e6)), errors.Join(err, errParse)
}
