package secret_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings/secret"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "conceal" {
		secret.Conceal(os.Args)
		shown, err := os.ReadFile("/proc/self/cmdline")
		fmt.Printf("%s\n%s\n%v", strings.Join(strings.Split(strings.TrimSuffix(string(shown), "\x00"), "\x00")[1:], " "), strings.Join(os.Args[1:], " "), err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestNoListOfProcessesShowsAPassword of a process that was started with one.
func TestNoListOfProcessesShowsAPassword(t *testing.T) {
	words := []string{"conceal", "up", "etcd_user=root:s3cret", "nodes=3", "etcd_user=@/etc/user", "discovery_user=a:b", "etcd_user="}
	said, err := exec.Command(os.Args[0], words...).CombinedOutput()
	want := "conceal up etcd_user=xxxxxxxxxxx nodes=3 etcd_user=@/etc/user discovery_user=xxx etcd_user=\n" + strings.Join(words, " ") + "\n<nil>"
	if err != nil || string(said) != want {
		t.Errorf("got %s, %v", said, err)
	}
}

func TestExported(t *testing.T) {
	others, variables := secret.Exported([]string{"up", "etcd_user=root:s=c", "nodes=3", "etcd_user=@f", "discovery_user=@a:b"})
	if !slices.Equal(others, []string{"up", "nodes=3", "etcd_user=@f"}) || !slices.Equal(variables, []string{"COREOS_ETCD_USER=root:s=c", "COREOS_DISCOVERY_USER=@a:b"}) {
		t.Errorf("got %q, %q", others, variables)
	}
}

func TestUser(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ text, name, password, wrong string }{
		{"", "", "", ""},
		{"root:se:cret", "root", "se:cret", ""},
		{"@" + file("good", "root:se cret\n", 0o600), "root", "se cret", ""},
		{"@" + file("open", "root:secret\n", 0o640), "", "", "open: others may read the password in it (mode 0640)\nhint: chmod 600 "},
		{"@" + file("two", "root:secret\napp:secret\n", 0o600), "", "", "there is no line name:password in it, and nothing else"},
		{"@" + file("none", "", 0o600), "", "", "there is no line name:password in it, and nothing else"},
		{"@" + file("other", "@good", 0o600), "", "", "there is no line name:password in it, and nothing else"},
		{"@" + file("long", strings.Repeat("x", 5000), 0o600), "", "", "this is not a file with name:password in it"},
		{"@" + folder, "", "", "this is not a file with name:password in it"},
		{"@" + filepath.Join(folder, "missing"), "", "", "missing: no such file or directory\nhint: install -m 600 /dev/stdin "},
	} {
		name, password, err := secret.User(c.text)
		if c.wrong == "" && (err != nil || name != c.name || password != c.password) {
			t.Errorf("%s: got %q, %q, %v", c.text, name, password, err)
		}
		if c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.HasPrefix(err.Error(), "etcd_user="+c.text) && !strings.HasPrefix(err.Error(), "etcd_user=@")) {
			t.Errorf("%s: got %v", c.text, err)
		}
	}
	for text, ok := range map[string]bool{"": true, "a:b": true, "@x": true, "@": false, "a": false, "a:": false, ":b": false, "a:b\n": false} {
		if err := secret.CheckUser(text); (err == nil) != ok {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
