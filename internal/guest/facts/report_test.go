package facts

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"coreos-libvirt/internal/terminal/shellword"
)

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVxxkTyq8DEBu5pfQzAzid4jIdDQhjDgVZGckzV core@host": "127.0.0.1 ssh-ed25519 (key)",
		"ssh-keyscan of 127.0.0.1 gives ssh-ed25519":                                                       "ssh-keyscan of 127.0.0.1 gives ssh-ed25519",
		"link/ether 52:54:00:d2:b8:64 brd ff:ff:ff:ff:ff:ff":                                               "link/ether (mac) brd (mac)",
		"inet 192.168.7.23/24 and fe80::5054:ff:fed2:b864/64":                                              "inet (address)/24 and (address)/64",
		"core:$6$ct4dIwnHLjzCVb5W$CVtVgXNHkUuZRog6eXpORpfP4tvBVx:19000":                                    "core:(hash)",
		"boot id 3f1d2c4e-0a1b-4c5d-8e9f-001122334455":                                                     "boot id (id)",
		"verity.usrhash=8732c9f3b1e0aa4ad19f4dcb1e0a8732c9f3b1e0aa4ad19f4dcb1e0a":                          "verity.usrhash=(digest)",
		"discovery-token=abc123secret password: hunter2":                                                   "discovery-token=(hidden) password: (hidden)",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----":                      "(key)",
		"disk /home/jane/coreos/vm/selftest01/console.log has":                                             "disk (path) has",
		"SHA256:uNiVztksCsDhcc0u9e8BrqJXVDSbc2kUIxlmuOqLK6s":                                               "(fingerprint)",
		"Ignition 2.24, console=ttyS0,115200n8 at 10:20:30, 12544 MiB":                                     "Ignition 2.24, console=ttyS0,115200n8 at 10:20:30, 12544 MiB",
	} {
		if got := WithoutSecrets(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func example() Report {
	r := Report{Distribution: Flatcar, Image: "flatcar-stable", Version: "4593.2.5", About: []string{"kvm"}, Results: map[string]Result{}}
	for _, fact := range r.lines() {
		r.Results[fact.ID] = Result{Holds, "as it should be"}
	}
	r.Results["memory-online"] = Result{Tells, strings.Repeat("długi tekst ", 20) + "\nand more"}
	r.Results["host-labels"] = HostHasNot("SELinux")
	return r
}

func TestPrintFitsATerminal(t *testing.T) {
	r := example()
	r.Results["usr"] = Result{Wrong, "/usr can be written\nreally"}
	out := &strings.Builder{}
	r.Print(out)
	table, rest, _ := strings.Cut(out.String(), "\n\n")
	for line := range strings.Lines(table) {
		if width := ansi.StringWidth(strings.TrimSuffix(line, "\n")); width >= 80 {
			t.Errorf("%d columns: %s", width, line)
		}
	}
	if !strings.Contains(rest, "usr: expected: read-only") || !strings.Contains(rest, "    /usr can be written\n    really\n") {
		t.Errorf("what is wrong is not told:\n%s", rest)
	}
	if !strings.Contains(rest, "; wrong: 1, nothing claimed: 1, not known: 1") {
		t.Errorf("got\n%s", rest)
	}
}

func TestGood(t *testing.T) {
	r := example()
	if !r.Good() {
		t.Error("all holds, and it is not good")
	}
	r.Results["usr"] = Result{Wrong, "x"}
	if r.Good() {
		t.Error("something is wrong, and it is good")
	}
	delete(r.Results, "usr")
	if r.Good() {
		t.Error("something was not looked at, and it is good")
	}
}

func TestMarkdown(t *testing.T) {
	r := example()
	r.Results["address"] = Result{Holds, "10.77.0.23 | 52:54:00:d2:b8:64\nof <eth0>"}
	got := r.Markdown()
	if strings.Contains(got, "10.77.") || strings.Contains(got, "52:54") || !strings.Contains(got, "| address | holds | ") || !strings.Contains(got, `(address) \| (mac)<br>of &lt;eth0&gt; |`) {
		t.Errorf("got\n%s", got)
	}
}

// TestScript runs the script of a distribution on this machine, with a check or two that say what is known.
func TestScript(t *testing.T) {
	lookAt := func(commands string) string {
		head, _, _ := strings.Cut(Script(Lab, "mark"), "look bash-network")
		cmd := exec.Command("sh")
		cmd.Stdin = strings.NewReader(head + "look usr " + shellword.Of(commands) + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for commands, want := range map[string]Result{
		"echo it\\'s; echo 'so'":              {Holds, "it's\nso"},
		"echo no >&2; exit 3":                 {Wrong, "no"},
		"false":                               {Wrong, "exit status 1"},
		"cat; true":                           {Holds, ""},
		"printf '\\033[31mred\\033[0m\\r\\n'": {Holds, "red"},
		"exit 124":                            {Wrong, "no answer within 60 s: "},
	} {
		if got := Parse(Lab, "mark", "noise\nmark\nmark usr x\nmark none 0\n"+lookAt(commands))["usr"]; got != want {
			t.Errorf("%s: got %+v", commands, got)
		}
	}
	if got := Parse(Lab, "other", lookAt("true")); len(got) > 0 {
		t.Errorf("got %v of somebody else's lines", got)
	}
	if strings.Contains(Script(Lab, "m"), "look hotplug-cpu ") || !strings.Contains(Script(LabFlatcar, "m"), "Accept=yes") {
		t.Error("the script looks at the wrong facts")
	}
}

// TestScriptIsOfAPOSIXShell: dash must take it.
func TestScriptIsOfAPOSIXShell(t *testing.T) {
	for _, d := range Distributions {
		path := t.TempDir() + "/script"
		if err := os.WriteFile(path, []byte(Script(d, "mark")), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", d, out)
		}
	}
}
