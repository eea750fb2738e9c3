package inventory

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The script's words are of this host's own files, too: sh, systemd's units, root.
func TestScript(t *testing.T) {
	out, err := exec.Command("sh", "-c", Script).Output()
	if err != nil {
		t.Fatal(err)
	}
	i, err := Parse(string(out))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list []string
		has  string
	}{{i.Folders, "/usr/bin"}, {i.Programs, "/usr/bin/env"}, {i.Units, "multi-user.target"}, {i.Units, "getty@.service"}, {i.Users, "root"}, {i.Groups, "root"}} {
		if !slices.Contains(c.list, c.has) {
			t.Errorf("%s is not in %d", c.has, len(c.list))
		}
	}
	path := filepath.Join(t.TempDir(), "a", "b.json")
	i.Image = "5 bytes of today"
	if err := i.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, is := Load(path, i.Image); !is || fmt.Sprint(got) != fmt.Sprint(i) {
		t.Errorf("read back: %v", is)
	}
	if _, is := Load(path, "6 bytes of today"); is {
		t.Error("that of another file is used")
	}
	if other := i.Without([]string{"root"}, nil); slices.Contains(other.Users, "root") || !slices.Contains(i.Users, "root") {
		t.Error("root is still there, or nowhere")
	}
}

// What a node says has limits, and is nothing if it is not whole.
func TestParseOfStrangers(t *testing.T) {
	const good = "folder /usr/bin\nprogram /usr/bin/a\nunit a.service\nuser root\ngroup root\nend\n"
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cut": strings.TrimSuffix(good, "end\n"), "empty": "", "no units": strings.Replace(good, "unit", "uint", 1),
		"large": strings.Repeat("x\n", MaxSize) + good,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	i, err := Parse("program /usr/bin/\x1b[31mred\nprogram /usr/bin/" + strings.Repeat("a", 300) + "\n" + strings.Repeat("user a\nuser b\n", 15000) + good)
	if err != nil || fmt.Sprint(i.Programs) != "[/usr/bin/a]" || fmt.Sprint(i.Users) != "[a b]" {
		t.Errorf("got %v %v %v", err, i.Programs, i.Users)
	}
}
