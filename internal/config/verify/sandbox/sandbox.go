// Package sandbox applies an Ignition document into a folder and lets programs look at what is there: in namespaces of its own,
// without network, with limits, and with nothing of this host that can be written to.
package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/shellword"
	"coreos-libvirt/internal/upstream"
)

// Node is where the document is applied to, as the checks see it.
const Node = "/node"

// Quadlet is Podman's generator, as the checks see it.
const Quadlet = "/in/quadlet"

//go:embed setup.sh
var setup string

// needed are the host's programs that make the namespaces' world.
var needed = []string{"sh", "mount", "umount", "pivot_root", "setpriv"}

// Missing is a program that is not on this host and without which there is no sandbox, or empty.
func Missing() string {
	for _, name := range needed {
		if _, err := exec.LookPath(name); err != nil {
			return name
		}
	}
	return ""
}

// Check is one program that looks at the node's files: a command for sh.
type Check struct {
	Name, Command string
	Beside        bool // whether it needs nothing of other checks, and leaves nothing to them: it runs beside them
}

// Result is how a check ended, and what it said on both outputs.
type Result struct {
	Status int
	Said   string
}

// What the sandbox gives back at most, and how long it takes.
const (
	maxSaid   = 4 << 20
	mostOfOne = 256 << 10 // of what one check says, in bytes
	maxTook   = time.Minute
)

// Apply is the name of the result of applying the document. If its status is not 0, there are no others.
const Apply = "apply"

// Run applies the document and runs the checks, by name. What a check finds is not an error: that is only if the namespaces cannot be
// made, or ctx ends.
func Run(ctx context.Context, programs upstream.Programs, doc []byte, checks []Check) (map[string]Result, error) {
	dir, err := os.MkdirTemp("", "coreos-verify-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	mark := rand.Text()
	err = errors.Join(os.Mkdir(filepath.Join(dir, "root"), 0o700), os.WriteFile(filepath.Join(dir, "doc.json"), doc, 0o600),
		os.WriteFile(filepath.Join(dir, "run.sh"), []byte(script(mark, checks)), 0o600))
	if err != nil {
		return nil, err
	}
	out, err := inNamespaces(ctx, dir, programs)
	if err != nil {
		return nil, err
	}
	all := results(out, mark)
	if _, there := all[Apply]; !there {
		return nil, errors.New("the check of documents ended before it said anything")
	}
	return all, nil
}

// script runs each check, and prints in the end what they said, each behind a line with the mark, how it ended and its name. What a
// check sets in its shell is its own.
func script(mark string, checks []Check) string {
	var out strings.Builder
	fmt.Fprintf(&out, `mkdir /tmp/said
run() {
  (eval "$3") >"/tmp/said/$1.said" 2>&1 </dev/null
  set -- "$1" "$2" $?
  printf '\n%%s %%s %%s\n' %s "$3" "$2" >"/tmp/said/$1.mark"
  return "$3"
}
end() {
  wait
  head -q -c %d /tmp/said/*
  exit 0
}
`, mark, mostOfOne)
	fmt.Fprintf(&out, "run 0000 %s '/in/ignition-apply %s </in/doc.json' || end\n", Apply, Node)
	for _, beside := range []bool{true, false} {
		for i, c := range checks {
			if c.Beside != beside {
				continue
			}
			fmt.Fprintf(&out, "run %04d %s %s", i+1, shellword.Of(c.Name), shellword.Of(c.Command))
			if beside {
				out.WriteString(" &")
			}
			out.WriteString("\n")
		}
	}
	out.WriteString("end\n")
	return out.String()
}

func inNamespaces(ctx context.Context, dir string, programs upstream.Programs) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTook)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", setup, "sh", dir, programs.Apply, programs.Quadlet)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/tmp", "container=verify", "SYSTEMD_LOG_LEVEL=notice"}
	cmd.SysProcAttr = namespaces(os.Getuid(), os.Getgid())
	cmd.Stderr = &limited{&said, maxSaid}
	var out bytes.Buffer
	cmd.Stdout = &limited{&out, maxSaid}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("no namespaces for the check of documents: %w: %s", err, printable.Line(firstLine(said.String())))
	}
	return out.Bytes(), nil
}

// namespaces are those of the sandbox: with users of its own if this user is not root.
func namespaces(uid, gid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Setpgid:    true,
	}
	if uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return a
}

// results are the checks' outputs, between the lines that have the mark.
func results(out []byte, mark string) map[string]Result {
	all := map[string]Result{}
	line := regexp.MustCompile(`(?m)^` + mark + ` (\d+) (.*)$`)
	found := line.FindAllSubmatchIndex(out, -1)
	for i, at := range found {
		end := len(out)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		status, _ := strconv.Atoi(string(out[at[2]:at[3]]))
		all[string(out[at[4]:at[5]])] = Result{status, strings.TrimSpace(string(out[at[1]:end]))}
	}
	return all
}

// limited takes no more than left bytes; others are dropped.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	taken := p[:min(len(p), l.left)]
	l.left -= len(taken)
	if _, err := l.to.Write(taken); err != nil {
		return 0, err
	}
	return len(p), nil
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}
