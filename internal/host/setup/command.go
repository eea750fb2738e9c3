package setup

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"coreos-libvirt/internal/terminal/hint"
)

// run runs a command that asks nothing; its error has the end of what it wrote.
func run(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return ended(strings.Join(argv, " "), out, err)
}

func ended(what string, out []byte, err error) error {
	if err == nil {
		return nil
	}
	const most = 8 // lines
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return hint.Errorf("run it by hand to see more", "%s: %w\n%s", what, err, strings.Join(lines[max(0, len(lines)-most):], "\n"))
}

// oneAtATime runs a script, $0, when no other changes the network: one whose process was ended goes on. The programs
// that it starts do not keep the lock (flock(1)); who does for a minute hangs.
const oneAtATime = `flock --close --timeout 60 --conflict-exit-code 75 /run/coreos-libvirt-network.lock sh -c "$0"; s=$?; [ $s != 75 ] || { sh -c "$0"; s=$?; }; exit $s`

// apart runs a script in a session of its own, to its end: neither ^C, nor a terminal that is cut off, nor the
// end of this process, which a pipe would tell, leaves the network half changed. With whole it ends where a command fails.
func apart(script string, whole bool) error {
	log, err := os.CreateTemp("", "coreos-libvirt-script.*")
	if err != nil {
		return err
	}
	defer func() { _, _ = log.Close(), os.Remove(log.Name()) }()
	if whole {
		script = "set -e\n" + script
	}
	cmd := exec.Command("sh", "-c", oneAtATime, script)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Setsid: true}
	err = cmd.Run()
	out, _ := os.ReadFile(log.Name())
	return ended("the network's commands", out, err)
}

// succeeds tells whether a command does, for questions that a program answers by its status.
func succeeds(ctx context.Context, argv ...string) bool {
	return exec.CommandContext(ctx, argv[0], argv[1:]...).Run() == nil
}

// heredoc is the command that writes a file, for people.
func heredoc(path, text string) string {
	return fmt.Sprintf("cat > /%s <<'END'\n%s\nEND", path, strings.TrimSuffix(text, "\n"))
}

// writes is the command that writes a file, whatever is in it: a script goes on behind it.
func writes(path, text string) string {
	return fmt.Sprintf("echo %s | base64 -d > /%s", base64.StdEncoding.EncodeToString([]byte(text)), path)
}
