package artifact

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// made are the names that appear in the folder while do runs.
func made(t *testing.T, folder string, do func()) (names []string) {
	t.Helper()
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(watch) }()
	if _, err := unix.InotifyAddWatch(watch, folder, unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	do()
	events := make([]byte, 64<<10)
	n, _ := unix.Read(watch, events) // fails if there are none
	for at := 0; at < n; {
		length := int(binary.NativeEndian.Uint32(events[at+12:])) // struct inotify_event: wd, mask, cookie, len, name (inotify(7))
		names = append(names, strings.TrimRight(string(events[at+16:at+16+length]), "\x00"))
		at += 16 + length
	}
	return names
}

// A secret is nowhere but in its own folder, also if that is on one file system with the folder for temporary files.
func TestNothingIsWrittenElsewhere(t *testing.T) {
	elsewhere, folder := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	path := filepath.Join(folder, "key.pem")
	var there []string
	here := made(t, folder, func() {
		there = made(t, elsewhere, func() {
			if err := Write(path, []byte("secret"), 0o600); err != nil {
				t.Error(err)
			}
		})
	})
	if len(there) > 0 || len(here) != 2 || !strings.HasPrefix(here[0], ".key.pem") || here[1] != "key.pem" {
		t.Errorf("elsewhere %q, here %q", there, here)
	}
}

// What a folder gives to new files, a replaced one gets, too: an ACL for QEMU's user, or a type of SELinux's.
func TestDefaultsAreThoseOfTheFolder(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	if out, err := exec.Command("setfacl", "-d", "-m", "u:7:r", folder).CombinedOutput(); err != nil {
		t.Skipf("no ACLs here: %v: %s", err, out)
	}
	path := filepath.Join(folder, "ignition.json")
	if err := Write(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("getfacl", "-cn", path).Output(); err != nil || !strings.Contains(string(out), "user:7:r--") {
		t.Errorf("got %s, %v", out, err)
	}
}

// The new name is on the disk when Write returns: the folder is synced behind the renaming.
func TestFolderIsSynced(t *testing.T) {
	if path := os.Getenv("WRITE"); path != "" { //nolint:forbidigo // a test's own word
		if err := Write(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace")
	}
	folder := t.TempDir()
	// nothing is said of threads and signals: it stands in the middle of a line else
	cmd := exec.Command(strace, "-f", "-y", "-qq", "-e", "signal=none", "-e", "trace=fsync,rename,renameat,renameat2", os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "WRITE="+filepath.Join(folder, "file"))
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "Operation not permitted") {
		t.Skipf("strace may not trace here: %s", out)
	}
	in := regexp.QuoteMeta(folder)
	order := regexp.MustCompile(`(?s)fsync\(\d+<` + in + `/\.file\d+>\).*rename.*"` + in + `/file".*fsync\(\d+<` + in + `>\)\s+= 0`)
	if err != nil || !order.Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What a killed run left of the file goes; what another run may be at, and what only looks like it, stays.
func TestLeftoversAreSwept(t *testing.T) {
	folder := t.TempDir()
	long := time.Now().Add(-2 * leftover)
	for name, old := range map[string]bool{
		".core.pem1234567890123456789": true, ".core.pem1234567890123456780": false, ".core.pem": true, ".core.pem7": true, ".core.pem.1234567890123456789": true,
		"core.pem1234567890123456789": true, ".core.pem1234567890123456789x": true, ".other.pem1234567890123456789": true,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(folder, name), long, long); old && err != nil {
			t.Fatal(err)
		} else if !old {
			_ = os.Chtimes(filepath.Join(folder, name), time.Now(), time.Now())
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(folder, ".core.pem1234567890123456781")); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(folder, "core.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	left := []string{}
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{
		".core.pem", ".core.pem.1234567890123456789", ".core.pem1234567890123456780", ".core.pem1234567890123456781", ".core.pem1234567890123456789x", ".core.pem7",
		".other.pem1234567890123456789", "core.pem", "core.pem1234567890123456789",
	}
	if fmt.Sprint(left) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", left, want)
	}
}

func TestWriteAs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteAs(path, []byte("x"), 0o640, Owner{3, 4}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || OwnerOf(info) != (Owner{3, 4}) || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v", info, err)
	}
}
