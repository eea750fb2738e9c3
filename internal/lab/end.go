package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coreos-libvirt/internal/workspace/artifact"
)

// end ends every process of the lab, which takes its namespaces along, and removes its state.
func (w *World) end() error {
	spaces := map[string]bool{}
	for _, d := range append([]daemon{w.host, w.dhcp, w.dns, w.virtlogd, w.libvirtd}, running(w.hosts())...) {
		pid := d.pid()
		switch {
		case pid == 0:
		case differentNet(pid) == nil:
			spaces[netOf(pid)] = true
		default: // whoever started it was killed before it had a namespace
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := endAll(spaces, signal); err == nil {
			break
		} else if signal == syscall.SIGKILL {
			return err
		}
	}
	return w.removeState()
}

// removeState removes the lab's folder, and after the last lab those that labs stand on and that were not there before.
func (w *World) removeState() error {
	all := filepath.Dir(w.dir)
	unlock, err := alone(all)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	if left, _ := artifact.Matching(all, "*"); len(left) > 1 || len(left) == 1 && filepath.Base(left[0]) != foldersFile {
		return nil // another lab
	}
	made, _ := os.ReadFile(filepath.Join(all, foldersFile))
	for _, folder := range strings.Fields(string(made)) {
		_ = os.Remove(folder) // unless somebody uses it since
	}
	return os.RemoveAll(all)
}

// foldersFile lists the folders that labs have made on the real host, to mount their own there. It is beside the labs' folders.
const foldersFile = "folders"

// alone waits until no other lab makes or removes what labs share. It locks the folder above theirs, where nothing is left.
func alone(all string) (unlock func(), err error) {
	folder, err := os.Open(filepath.Dir(all))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		_ = folder.Close()
		return nil, err
	}
	return func() { _ = folder.Close() }, nil
}

// endAll signals all processes of the network namespaces until none is left, for five seconds.
func endAll(spaces map[string]bool, signal syscall.Signal) error {
	for range 100 {
		pids := within(spaces)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, signal) // it may have ended by itself
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("lab: processes do not end: %v", within(spaces))
}

// within are the processes in the network namespaces, never one in this process' own.
func within(spaces map[string]bool) []int {
	entries, _ := os.ReadDir("/proc")
	pids := []int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && spaces[netOf(pid)] && differentNet(pid) == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// netOf names a process' network namespace: "net:[4026531840]" (namespaces(7)).
func netOf(pid int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	return name
}

// differentNet is nil where the process has a network namespace other than this process' own.
func differentNet(pid int) error {
	if theirs := netOf(pid); theirs == "" || theirs == netOf(os.Getpid()) {
		return fmt.Errorf("process %d has no network of its own", pid)
	}
	return nil
}
