package bridge

import (
	"os"
	"os/exec"
	"syscall"

	"coreos-libvirt/internal/host/step"
)

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
	return step.Ended("the network's commands", out, err)
}
