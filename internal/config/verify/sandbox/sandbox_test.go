package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/judges"
)

const head = `{"ignition":{"version":"3.4.0"},`

// seen is what the host has at the paths that a document tries to reach.
func seen(t *testing.T, dir string) (names []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if info, e := os.Lstat(path); err == nil && e == nil {
			names = append(names, fmt.Sprint(path, info.Size(), info.Mode()))
		}
		return nil
	})
	return names
}

// An ignition-apply that goes wild does no harm to this host.
func TestWild(t *testing.T) {
	p, victim := judges.Programs(t, Missing()), t.TempDir()
	if err := os.WriteFile(filepath.Join(victim, "kept"), []byte("kept"), 0o666); err != nil {
		t.Fatal(err)
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	asked := make(chan bool, 8)
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			asked <- true
			_ = conn.Close()
		}
	}()
	big := filepath.Join(t.TempDir(), "big.gz")
	for name, c := range map[string]struct{ apply, doc, want string }{
		"a path with ..":        {"", head + `"storage":{"files":[{"path":"/../../..` + victim + `/new","contents":{"source":"data:,x"}}]}}`, "path"},
		"a remote source":       {"", head + `"storage":{"files":[{"path":"/etc/x","contents":{"source":"http://` + server.Addr().String() + `/x"}}]}}`, ""},
		"a link out":            {"", head + `"storage":{"links":[{"path":"/out","target":"` + victim + `"}],"files":[{"path":"/out/new","contents":{"source":"data:,x"}}]}}`, "path includes link"},
		"writes where it wants": {"#!/bin/sh\necho x >" + victim + "/kept\necho x >/usr/wild\nrm -rf " + victim + " /usr/bin/env\nmount -o remount,rw /usr\nmount -t tmpfs x /mnt\nexit 7\n", head[:len(head)-1] + "}", ""},
		"asks the network":      {"#!/bin/bash\nexec 3<>/dev/tcp/" + strings.Replace(server.Addr().String(), ":", "/", 1) + "\nexit 4\n", head[:len(head)-1] + "}", "unreachable"},
		"2 GiB":                 {"#!/bin/sh\nhead -c 2147483648 /proc/self/mem 2>/dev/null\nfor i in 1 2 3 4 5 6 7 8; do yes | head -c 2147483648 >/node/big$i; done\n[ $(du -sm /node | cut -f1) -le 64 ] && echo within the limit\nexit 9\n", head[:len(head)-1] + "}", "within the limit"},
		"another name space":    {"#!/bin/sh\nls " + big + " /root /home " + victim + "\nkill -9 1\nexit 5\n", head[:len(head)-1] + "}", "No such file"},
	} {
		t.Run(name, func(t *testing.T) {
			before, used := seen(t, victim), p
			if c.apply != "" {
				used.Apply = filepath.Join(t.TempDir(), "wild")
				if err := os.WriteFile(used.Apply, []byte(c.apply), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Run(t.Context(), used, []byte(c.doc), []Check{{Name: "look", Command: "ls -la / /node; du -sm /node"}})
			if err != nil {
				t.Fatal(err)
			}
			result, there := got[Apply]
			if !there || result.Status == 0 {
				t.Errorf("it ended with %v %+v", there, result)
			}
			if !strings.Contains(result.Said, c.want) {
				t.Errorf("it said %q, not %q", result.Said, c.want)
			}
			if after := seen(t, victim); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("the host's folder was %q and is %q", before, after)
			}
			if _, err := os.Stat("/usr/wild"); err == nil {
				t.Error("it wrote to the host's /usr")
			}
			select {
			case <-asked:
				t.Error("the host's network was reached")
			default:
			}
		})
	}
}

// What is mounted below /usr is there, and read-only as /usr is.
func TestMountedBelow(t *testing.T) {
	p := judges.Programs(t, Missing())
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("own", "/usr/src", "tmpfs", syscall.MS_NOSUID, "")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/usr/src/mine", []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), p, []byte(head[:len(head)-1]+"}"), []Check{{Name: "look", Command: "cat /usr/src/mine; echo x >/usr/src/mine"}})
	if look := got["look"]; err != nil || look.Status == 0 || !strings.HasPrefix(look.Said, "mine") || !strings.Contains(look.Said, "Read-only file system") {
		t.Errorf("got %+v, %v", look, err)
	}
	if text, err := os.ReadFile("/usr/src/mine"); string(text) != "mine" {
		t.Errorf("got %q, %v", text, err)
	}
}

// A file that is small in the document, as gzip makes it, and larger than the limit ends there.
func TestBomb(t *testing.T) {
	p := judges.Programs(t, Missing())
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(make([]byte, 100<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	doc := head + `"storage":{"files":[{"path":"/etc/x","contents":{"compression":"gzip","source":"data:;base64,` + base64.StdEncoding.EncodeToString(zipped.Bytes()) + `"}}]}}`
	got, err := Run(t.Context(), p, []byte(doc), nil)
	if err != nil || got[Apply].Status == 0 || !strings.Contains(got[Apply].Said, "file too large") {
		t.Errorf("100 MiB are written: %v, %+v", err, got)
	}
}

// One that does not end is ended with the run, and all that it started.
func TestInterrupted(t *testing.T) {
	p := judges.Programs(t, Missing())
	p.Apply = filepath.Join(t.TempDir(), "slow")
	if err := os.WriteFile(p.Apply, []byte("#!/bin/sh\nsleep 3600 & sleep 3600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := Run(ctx, p, []byte(head), nil); err == nil || time.Since(begin) > 20*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begin))
	}
}

// What a check says is told apart from what others say, whatever is in it.
func TestResults(t *testing.T) {
	got, err := Run(t.Context(), judges.Programs(t, Missing()), []byte(head[:len(head)-1]+"}"), []Check{
		{Name: "a it's", Command: "echo one; echo two >&2; exit 3"},
		{Name: "b", Command: "printf 'x 1 a\\n'; exit 0", Beside: true},
		{Name: "c", Command: "cat /in/doc.json; ls /node; x=1; cd /"},
		{Name: "d", Command: "echo ${x-none}; pwd; sleep 0.2; exit 7", Beside: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got["d"].Status != 7 || !strings.HasPrefix(got["d"].Said, "none\n") {
		t.Errorf("what one sets is seen by another: %+v", got["d"])
	}
	if got["a it's"] != (Result{3, "one\ntwo"}) || got["b"] != (Result{0, "x 1 a"}) || !strings.Contains(got["c"].Said, "3.4.0") {
		t.Errorf("got %+v", got)
	}
}
