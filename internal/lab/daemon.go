package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// daemon is a process that outlives this one. Its file names it by pid and start time, so that a pid
// that was given to another process is not taken for it.
type daemon struct{ name, dir string }

func (d daemon) file() string { return filepath.Join(d.dir, d.name+".process") }
func (d daemon) log() string  { return filepath.Join(d.dir, d.name+".log") }

// start runs cmd away from this terminal, its output in the daemon's log. It begins when its file names it: if this process is
// killed before, nothing is left that nobody knows of.
func (d daemon) start(cmd *exec.Cmd) error {
	log, err := os.Create(d.log())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Args = append([]string{"sh", "-c", `read -r begin && exec "$@" </dev/null`, "sh"}, cmd.Args...)
	if cmd.Path, err = exec.LookPath("sh"); err != nil {
		return err
	}
	begin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer func() { _ = begin.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := d.note(cmd.Process.Pid); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // as long as this process lives, no zombie is left
	_, err = fmt.Fprintln(begin, "begin")
	return err
}

// note writes the daemon's file.
func (d daemon) note(pid int) error {
	since, err := startTime(pid)
	if err != nil {
		return d.failed(err)
	}
	return os.WriteFile(d.file(), fmt.Appendf(nil, "%d %s\n", pid, since), 0o600)
}

// failed is err with what the daemon wrote.
func (d daemon) failed(err error) error {
	text, _ := os.ReadFile(d.log())
	return fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(text)))
}

// pid is the daemon's, or 0 where it does not run.
func (d daemon) pid() int {
	text, err := os.ReadFile(d.file())
	if err != nil {
		return 0
	}
	first, since, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	if now, err := startTime(pid); err != nil || now != since {
		return 0
	}
	return pid
}

func (d daemon) alive() bool { return d.pid() != 0 }

// startTime is field 22 of /proc/<pid>/stat, in clock ticks since boot (proc(5)). A zombie has none.
func startTime(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	_, after, ok := strings.Cut(string(text), ") ") // the name before may hold anything
	fields := strings.Fields(after)
	if !ok || len(fields) < 20 || fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fields[19], nil
}
