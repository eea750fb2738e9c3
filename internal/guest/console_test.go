package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// console is one whose log holds a text.
func console(t *testing.T, text string) *Console {
	t.Helper()
	path := filepath.Join(t.TempDir(), "console.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewConsole(path)
}

// TestConsoleKnowsPrompts has no line break behind what tells of the failure.
func TestConsoleKnowsPrompts(t *testing.T) {
	for text, want := range map[string][]string{
		"error: no such partition.\r\n\x1b[0mgrub rescue> ": {"error: no such partition.", "grub rescue>"},
		"\r\ngrub> ": {"grub>"},
		"Press Enter for emergency shell or wait 4 minutes 50 seconds for reboot.": {"Press Enter for emergency shell or wait 4 minutes 50 seconds for reboot."},
	} {
		for range 2 { // and it stays so
			if told, err := console(t, text).Failure(); err != nil || !slices.Equal(told, want) {
				t.Errorf("%q: want %q, got %q, %v", text, want, told, err)
			}
		}
	}
	c := console(t, "Fedora CoreOS 43\r\ncore01 login: ")
	if told, err := c.Failure(); told != nil || err != nil || c.Phase() != "login" || c.Last()[1] != "core01 login:" {
		t.Errorf("got %q, %v, %s, %q", told, err, c.Phase(), c.Last())
	}
}

// TestConsoleKnowsLoops has guests that begin to boot again and again, in whatever part.
func TestConsoleKnowsLoops(t *testing.T) {
	for _, boot := range []string{
		"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\nBooting from Hard Disk...\r\n",
		"BdsDxe: loading Boot0001 \"disk\"\r\nBdsDxe: starting Boot0001 \"disk\"\r\n",
		"GRUB loading..\r\nWelcome to GRUB!\r\n",
		"[    0.000000] Linux version 6.12.5-200.fc41.x86_64 (mockbuild@x)\r\n",
	} {
		for times, fails := range map[int]bool{1: false, 3: false, 4: true, 5: true} {
			told, err := console(t, strings.Repeat(boot, times)).Failure()
			if err != nil || (told != nil) != fails {
				t.Errorf("%q, %d times: got %q, %v", boot, times, told, err)
			}
		}
	}
}

// TestConsolePhases reads a whole boot, and one after it, at once.
func TestConsolePhases(t *testing.T) {
	const boot = "SeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n" +
		"[    0.000000] Linux version 6.12.5\r\n[    0.000000] Command line: BOOT_IMAGE=/vmlinuz ignition.firstboot ignition.platform.id=qemu\r\n"
	c := console(t, boot)
	if told, err := c.Failure(); told != nil || err != nil {
		t.Fatalf("got %q, %v", told, err)
	}
	if got := c.Passed(); !slices.Equal(got, []string{"firmware", "boot loader", "kernel"}) && !slices.Equal(got, []string{"boot loader", "kernel"}) {
		t.Errorf("got %q", got)
	}
	if got := c.Passed(); len(got) > 0 {
		t.Errorf("told twice: %q", got)
	}
	for _, line := range []string{"[    4.1] ignition[703]: Ignition 2.20.0", "[  OK  ] Finished Ignition (fetch).", "         Starting ignition-mount.service - Ignition (mount)...", "ignition: stage files"} {
		c := console(t, boot+line+"\r\n")
		if _, err := c.Failure(); err != nil || c.Phase() != "Ignition" {
			t.Errorf("%s: got %s, %v", line, c.Phase(), err)
		}
	}
	c = console(t, "GRUB loading...\r\n\x1b[0;30;47mWelco\x1b[11;05H\x1b[11;06Hme to GRUB!\r\nignition: stage files\r\n         Welcome to Fedora CoreOS 43!\r\n")
	if _, err := c.Failure(); err != nil || !slices.Equal(c.Passed(), []string{"boot loader", "Ignition", "system"}) {
		t.Errorf("got %s, %v", c.Phase(), err)
	}
	c = console(t, boot+"ignition: stage files\r\ncore01 login: \r\n"+boot)
	if _, err := c.Failure(); err != nil || c.Phase() != "kernel" {
		t.Errorf("booted again: got %s, %v", c.Phase(), err)
	}
}

// TestConsoleOfANodeThatRan has rebooted often, and failed once, long ago.
func TestConsoleOfANodeThatRan(t *testing.T) {
	const boot = "[    0.000000] Linux version 6.12.5\r\ncore01 login: \r\n"
	c := console(t, "Kernel panic - not syncing: x\r\n"+strings.Repeat(boot, 5))
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	if told, err := c.Failure(); told != nil || err != nil {
		t.Errorf("got %q, %v", told, err)
	}
	c = console(t, boot+"You are in emergency mode.\r\n")
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	if told, err := c.Failure(); err != nil || !slices.Equal(told, []string{"You are in emergency mode."}) {
		t.Errorf("it still is: got %q, %v", told, err)
	}
}

func TestConsoleEndIsOfWhatComes(t *testing.T) {
	old := console(t, "Kernel panic - not syncing: x\n")
	c := NewConsoleEnd(old.path)
	if told, err := c.Failure(); told != nil || err != nil {
		t.Errorf("got %q, %v", told, err)
	}
	file, err := os.OpenFile(old.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteString("Kernel panic - not syncing: y\n"); err != nil {
		t.Fatal(err)
	}
	if told, err := c.Failure(); err != nil || !slices.Equal(told, []string{"Kernel panic - not syncing: y"}) {
		t.Errorf("got %q, %v", told, err)
	}
}
