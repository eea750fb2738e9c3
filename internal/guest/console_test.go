package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/local"
)

// console is one whose log holds a text.
func console(t *testing.T, text string) *Console {
	t.Helper()
	path := filepath.Join(t.TempDir(), "console.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewConsole(logAt(path))
}

// logFile is a log of this host.
type logFile struct {
	engine.Log
	path string
}

func logAt(path string) logFile {
	return logFile{(&local.Disks{}).Log(engine.Files{Console: path}), path}
}

// pathOf is where the console's log is.
func pathOf(c *Console) string { return c.log.(logFile).path }

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
		bios,
		uefi,
		"[    0.000000] Linux version 6.12.5-200.fc41.x86_64 (mockbuild@x)\r\n",
		bios + flatcarKernel + flatcarSystem,
	} {
		for times, fails := range map[int]bool{1: false, 3: false, 4: true, 5: true} {
			told, err := console(t, strings.Repeat(boot, times)).Failure()
			if err != nil || (told != nil) != fails {
				t.Errorf("%q, %d times: got %q, %v", boot, times, told, err)
			}
		}
	}
}

// TestConsoleOfAFirstBoot has boots that start again, for the one good reason or for none.
func TestConsoleOfAFirstBoot(t *testing.T) {
	const again = "Linux has started 2 times and its system never came up; before the last start these lines came"
	flatcar, fcos := bios+flatcarKernel, uefi+fcosKernel+fcosIgnition
	for _, c := range []struct {
		name, log string
		arguments bool
		want      string // of the first line that is told
		last      string // and of the last
	}{
		{"Flatcar", flatcar + flatcarSystem + flatcarLogin, false, "", ""},
		{"Flatcar fails and boots again", flatcar + flatcarGivesUp + flatcar, false, again, "[  309.700000] reboot: Restarting system"},
		{"it does without firmware", flatcarKernel + flatcarGivesUp + flatcarKernel, false, again, "[  309.700000] reboot: Restarting system"},
		{"Flatcar changes arguments", flatcar + flatcarArguments + flatcar, true, "", ""},
		{"and comes up", flatcar + flatcarArguments + flatcar + flatcarSystem + flatcarLogin, true, "", ""},
		{"and fails then", strings.Repeat(flatcar+flatcarArguments, 2) + flatcar, true, strings.Replace(again, "2", "3", 1), "[    7.700000] reboot: Restarting system"},
		{"it reboots after its system came up", strings.Repeat(flatcar+flatcarSystem, 3), false, "", ""},
		{"Fedora CoreOS", fcos + fcosNoArguments + fcosSystem, false, "", ""},
		{"Fedora CoreOS changes arguments", fcos + fcosArguments + fcos, false, "", ""},
		{"it does so once", strings.Repeat(fcos+fcosArguments, 2) + fcos, false, strings.Replace(again, "2", "3", 1), "[    7.700000] reboot: Restarting system"},
		{"Fedora CoreOS has no reason", fcos + fcosNoArguments + fcos, false, again, "CoreOS Kernel Arguments Reboot was skipped because of an unmet condition check (ConditionPathExists=/run/coreos-kargs-reboot)."},
		{"a log that quotes the kernel", flatcar + "core01 kernel: Linux version 6.12.51\r\n", false, "", ""},
	} {
		read := console(t, c.log)
		read.First(c.arguments)
		told, err := read.Failure()
		if err != nil || (told == nil) != (c.want == "") || told != nil && (told[0] != c.want || !strings.HasSuffix(told[len(told)-1], c.last)) {
			t.Errorf("%s: got %q, %v", c.name, told, err)
		}
	}
}

// TestConsoleOfAnEmergency: each is told by its own lines, and none that is not Ignition's says that it is.
func TestConsoleOfAnEmergency(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		want []string
	}{
		"Ignition": {fcosIgnition + fcosIgnitionFails, []string{
			"[    6.123456] ignition[744]: Ignition failed: config is not valid",
			"[FAILED] Failed to start ignition-fetch.service - Ignition (fetch).",
			"Ignition has failed. Please ensure your config is valid. Note that only",
			"Entering emergency mode. Exit the shell to continue.",
		}},
		"the root file system": {fcosIgnition + fcosRootFails, []string{
			`[ TIME ] Timed out waiting for device dev-disk-by\x2dlabel-root.device - /dev/disk/by-label/root.`,
			"Entering emergency mode. Exit the shell to continue.",
		}},
		"only the banner": {"Ignition has failed. Please ensure your config is valid.\r\n", []string{"Ignition has failed. Please ensure your config is valid."}},
	} {
		if told, err := console(t, uefi+fcosKernel+c.log).Failure(); err != nil || !slices.Equal(told, c.want) {
			t.Errorf("%s: want %q, got %q, %v", name, c.want, told, err)
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
	for name, c := range map[string]struct {
		log  string
		want string
	}{
		"Flatcar":       {bios + flatcarKernel + flatcarSystem + flatcarLogin, "boot loader, kernel, system, login"},
		"its initramfs": {bios + flatcarKernel, "boot loader, kernel"},
		"Fedora CoreOS": {uefi + fcosKernel + fcosIgnition + fcosNoArguments + fcosSystem, "boot loader, kernel, Ignition, system, login"},
		"the lab's": {
			"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\nGRUB loading...\r\nignition: stage files\r\nSELinux:  Could not open policy file <= /etc/selinux/targeted/policy/policy.33:  No such file or directory\r\ncore01 login: ",
			"boot loader, Ignition, system, login",
		},
		"new arguments": {bios + flatcarKernel + flatcarArguments + flatcarKernel, "boot loader, kernel"},
		"and firmware":  {uefi + fcosKernel + fcosIgnition + fcosArguments + uefi + fcosKernel + fcosIgnition, "boot loader, kernel, Ignition, firmware, boot loader, kernel, Ignition"},
	} {
		read := console(t, c.log)
		_, err := read.Failure()
		if got := strings.Join(read.Passed(), ", "); err != nil || got != c.want {
			t.Errorf("%s: want %s, got %s, %v", name, c.want, got, err)
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

// TestConsoleIsSilent only while an initramfs may be at work, and from the last byte on.
func TestConsoleIsSilent(t *testing.T) {
	for log, silent := range map[string]bool{
		"": false, bios: false, flatcarKernel: true, fcosKernel + fcosIgnition: true, flatcarKernel + flatcarSystem: false, flatcarKernel + flatcarLogin: false,
	} {
		c := console(t, log)
		for range 2 { // what was read is read once
			if _, err := c.Failure(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		if got := c.Silent(); got > 0 != silent || silent && got < 4*time.Millisecond {
			t.Errorf("%q: got %s", log, got)
		}
	}
	c := console(t, flatcarKernel)
	if _, err := c.Failure(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	before := c.Silent()
	if err := os.WriteFile(pathOf(c), []byte(flatcarKernel+"["), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Failure(); err != nil || c.Silent() >= before {
		t.Errorf("half a line was written: got %s, before %s, %v", c.Silent(), before, err)
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
	c := NewConsoleEnd(old.log)
	if told, err := c.Failure(); told != nil || err != nil {
		t.Errorf("got %q, %v", told, err)
	}
	file, err := os.OpenFile(pathOf(old), os.O_APPEND|os.O_WRONLY, 0)
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
