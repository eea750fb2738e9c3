//go:build lab

package tests

import (
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"coreos-libvirt/internal/testkit/pace"
)

// tinyFailures has guests that will never be ready. None is waited out, also not by a run that finds it running.
func tinyFailures(t *testing.T, c tiny) {
	template := c.read(t, "templates/domain.xml.tmpl")
	defer c.write(t, "templates/domain.xml.tmpl", template)
	kernel := template[strings.Index(template, "    <kernel>"):strings.Index(template, "  </os>")]
	whens := []string{"new", "found running"}
	for _, f := range []struct{ name, old, new, want string }{
		{"a panic", "mac={{.MAC}}", "mac={{.MAC}} fail=panic", "the boot failed; its console says:\n    [ "},
		{"an emergency shell", "mac={{.MAC}}", "mac={{.MAC}} fail=emergency", "the boot failed; its console says:\n    You are in emergency mode.\n    Give root password"},
		{"a prompt", "mac={{.MAC}}", "mac={{.MAC}} fail=prompt", "the boot failed; its console says:\n    error: no such partition.\n    grub rescue>"},
		{
			"a second start", "quiet mitigations=off no_timer_check tsc=reliable mac={{.MAC}}", "mitigations=off no_timer_check tsc=reliable mac={{.MAC}} fail=loop",
			"the boot failed; its console says:\n    Linux has started 2 times and its system never came up; before the last start these lines came\n    ",
		},
		{"a loop", "mac={{.MAC}}", "mac={{.MAC}} fail=loop", "it reboots again and again, "},
		{"no boot loader", kernel, "    <boot dev='hd'/>\n    <bios useserial='yes'/>\n", "the boot failed; its console says:\n"},
	} {
		c.write(t, "templates/domain.xml.tmpl", strings.Replace(template, f.old, f.new, 1))
		for _, when := range whens {
			begin := time.Now()
			out, err := c.target("up", "nodes=1", pace.Setting("timeout", 150)).CombinedOutput()
			took := time.Since(begin)
			if err == nil || !strings.Contains(string(out), "core01: "+f.want) || !advisesUp(string(out), " recreate=core01` recreates the node") {
				t.Errorf("%s, %s: got %v\n%s", f.name, when, err, out)
			}
			if t.Logf("%s, %s: seen after %s", f.name, when, took.Round(100*time.Millisecond)); took > pace.Limit(60) {
				t.Errorf("%s: waited for %s", f.name, took)
			}
		}
		c.must(t, "down", "all=true", "yes=true")
		whens = whens[:1] // the first tells enough of the second
	}
}

// tinySilent has a guest that tells of its failure on the screen only, as Flatcar does. Its image was silent for a second
// before.
func tinySilent(t *testing.T, c tiny) {
	template := c.read(t, "templates/domain.xml.tmpl")
	defer c.write(t, "templates/domain.xml.tmpl", template)
	seen := strings.Replace(template, "console=ttyS0 quiet", "console=ttyS0 console=tty0", 1)
	seen = strings.Replace(seen, "mac={{.MAC}}<", "mac={{.MAC}} fail=silent<", 1)
	c.write(t, "templates/domain.xml.tmpl", strings.Replace(seen, "    <memballoon", "    <video><model type='vga'/></video>\n    <memballoon", 1))
	store := t.TempDir()
	c.write(t, "silences.json", `{"qemu `+c.image+`": 1}`)
	if err := os.Rename(filepath.Join(c.dir, "silences.json"), filepath.Join(store, "silences.json")); err != nil {
		t.Fatal(err)
	}
	// of a node that is silent for half a minute that is said, and the wait then ends some time
	patience := 35*time.Second + pace.Limit(8)
	out, err := c.target("up", "nodes=1", fmt.Sprintf("timeout=%.0fs", patience.Seconds()), "store="+store).CombinedOutput()
	const looks = "it looks like Ignition failed; its text is on the screen"
	if err == nil || !strings.Contains(string(out), looks+": vm/core01/screen.png\n") || !strings.Contains(string(out), "core01: not ready after "+patience.String()+"; nothing on its serial console for ") ||
		!strings.Contains(string(out), looks+". The console ends with:\n    [ ") || !strings.Contains(string(out), "; vm/core01/screen.png shows its screen") {
		t.Errorf("got %v\n%s", err, out)
	}
	c.hasText(t, "vm/core01/screen.png")
	if err := os.Remove(filepath.Join(c.dir, "vm/core01/screen.png")); err != nil {
		t.Fatal(err)
	}
	if out := c.must(t, "screen"); out != "vm/core01/screen.png\n" {
		t.Errorf("got\n%s", out)
	}
	c.hasText(t, "vm/core01/screen.png")
	c.must(t, "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// hasText wants a picture with letters on a dark screen.
func (c tiny) hasText(t *testing.T, name string) {
	t.Helper()
	picture, err := png.Decode(strings.NewReader(c.read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	dark, light := 0, 0
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if r, g, b, _ := picture.At(x, y).RGBA(); r+g+b == 0 {
				dark++
			} else {
				light++
			}
		}
	}
	if light == 0 || dark < light {
		t.Errorf("%s: %d dark pixels, %d light ones", name, dark, light)
	}
}

// tinyPaused has a node that somebody paused, and others who ask nodes while `up` does.
func tinyPaused(t *testing.T, c tiny) {
	up := c.target("up", "nodes=2")
	said := waitFor(t, up, "core02: booting")
	for range 3 {
		c.must(t, "status")
	}
	if err := up.Wait(); err != nil || len(tinyReady.FindAllString(said(), -1)) != 2 {
		t.Errorf("got %v\n%s", err, said())
	}
	c.inLab(t, "virsh", "-q", "suspend", "core01")
	log := c.read(t, "vm/core01/console.log")
	if out := c.must(t, "up", "nodes=2"); !strings.Contains(out, "core01: it was paused and goes on") || len(tinyReady.FindAllString(out, -1)) != 2 {
		t.Errorf("got\n%s", out)
	}
	if now := c.read(t, "vm/core01/console.log"); log == "" || !strings.HasPrefix(now, log) {
		t.Errorf("the console log began anew: it was\n%s\nand is\n%s", log, now)
	}
	c.consoleOnATerminal(t)
	if out := c.must(t, "stop", "grace=1s"); strings.Count(out, "did not shut down within 1s, ended by force") != 2 {
		t.Errorf("these guests know no ACPI: got\n%s", out)
	}
	c.must(t, "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// consoleOnATerminal takes single keys, until Ctrl-] gives the terminal back as it was.
func (c tiny) consoleOnATerminal(t *testing.T) {
	t.Helper()
	keys, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(keys.Close(), terminal.Close()) }()
	before, err := term.GetState(int(terminal.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	console := c.target("console", "node=core01")
	console.Stdin, console.Stdout, console.Stderr = terminal, terminal, terminal
	if err := console.Start(); err != nil {
		t.Fatal(err)
	}
	raw := func() bool {
		now, err := term.GetState(int(terminal.Fd()))
		return err == nil && !reflect.DeepEqual(now, before)
	}
	for deadline := time.Now().Add(pace.Limit(10)); !raw(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the terminal never takes single keys")
		}
	}
	if _, err := keys.WriteString("x\x1d"); err != nil {
		t.Fatal(err)
	}
	ended := time.AfterFunc(pace.Limit(10), func() { _ = console.Process.Kill() })
	defer ended.Stop()
	if err := console.Wait(); err != nil {
		t.Errorf("Ctrl-]: got %v", err)
	}
	if raw() {
		t.Error("the terminal is not as it was before")
	}
	said := make([]byte, 1000)
	if n, _ := keys.Read(said); !strings.Contains(string(said[:n]), "core01: Ctrl-] leaves the console") {
		t.Errorf("got %q", said[:n])
	}
}

// tinyInterrupted sends what Ctrl-C does, to all processes of the run.
func tinyInterrupted(t *testing.T, c tiny) {
	interrupt := func(text string, words ...string) (string, error) {
		t.Helper()
		cmd := c.target(words...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		said := waitFor(t, cmd, text)
		begin := time.Now()
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if took := time.Since(begin); took > pace.Limit(6) { // what libvirt has begun, it ends; no boot is waited for
			t.Errorf("%v: took %s to end", words, took)
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 || !advisesUp(said(), "` goes on from here, ") {
			t.Errorf("%v: got %v\n%s", words, err, said())
		}
		return said(), err
	}
	unknown := func(out string) bool { // a busy libvirt answers later than a run that was interrupted waits
		return strings.Contains(out, "what is left is not known, libvirt does not answer: `")
	}
	out, _ := interrupt("core01: defined", "up", "nodes=3")
	for _, node := range []string{"core01: ", "core02: ", "core03: "} {
		if !unknown(out) && !strings.Contains(out, node+"left ") && !strings.Contains(out, node+"no domain") && !strings.Contains(out, node+"nothing is left") {
			t.Errorf("nothing is said of %s\n%s", node, out)
		}
	}
	c.must(t, "down", "all=true", "yes=true") // on a fast machine nodes are ready by now
	out, _ = interrupt(": booting", "up", "nodes=2")
	if !unknown(out) && !strings.Contains(out, "left running, it has not said that it is ready") {
		t.Errorf("got\n%s", out)
	}
	c.must(t, "up", "nodes=2")
	interrupt("core01: recreated", "up", "nodes=2", "recreate=all")
	c.must(t, "up", "nodes=2")
	if out, _ = interrupt("core02: asked to shut down", "stop"); !unknown(out) && strings.Count(out, "left running, it was ready") != 2 {
		t.Errorf("got\n%s", out)
	}
	if out := c.must(t, "up", "nodes=2"); len(tinyReady.FindAllString(out, -1)) != 2 {
		t.Errorf("got\n%s", out)
	}
	c.must(t, "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}
