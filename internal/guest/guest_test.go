package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const line = `{"hostname":"core01","boot_id":"b1","uptime":12.5,"host_keys":["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVxxkTyq8DEBu5pfQzAzid4jIdDQhjDgVZGckzV/Q70"],"interfaces":[` +
	`{"ifname":"docker0","address":"02:42:00:00:00:01","addr_info":[{"family":"inet","local":"172.17.0.1","scope":"global"}]},` +
	`{"ifname":"eth0","address":"52:54:00:d2:b8:64","addr_info":[{"family":"inet6","local":"2001:db8::1","scope":"global"},{"family":"inet","local":"169.254.1.1","scope":"link"},{"family":"inet","local":"10.77.0.133","scope":"global"}]}]}`

const mac = "52:54:00:d2:b8:64"

func TestReadReport(t *testing.T) {
	r, err := ReadReport(strings.NewReader("0.133\"}]}\n\n{\"boot_id\":3}\n"+line+"\n"), mac, func(reason string) { t.Errorf("waits for %s", reason) })
	if err != nil {
		t.Fatal(err)
	}
	if r.HostName != "core01" || r.Uptime != 12.5 || r.Address(strings.ToUpper(mac)) != "10.77.0.133" {
		t.Errorf("got %+v, address %s", r, r.Address(mac))
	}
	if got := r.Address("52:54:00:00:00:00"); got != "" {
		t.Errorf("an interface that is not the node's: got %s", got)
	}
	if keys, err := r.Keys(); err != nil || len(keys) != 1 || keys[0].Type() != "ssh-ed25519" {
		t.Errorf("keys: got %v, %v", keys, err)
	}
	if _, err := ReadReport(strings.NewReader("nothing\n"), mac, func(string) {}); err == nil {
		t.Error("a channel that ends without a report must be an error")
	}
}

// TestReadReportOfUnits: what a guest says of them has limits.
func TestReadReportOfUnits(t *testing.T) {
	many := strings.Repeat(`"a.service",`, 1000)
	said := strings.Replace(line, `"uptime":12.5`, `"uptime":12.5,"units":{"state":"degraded\u001b[2J","failed":[`+many+`"b.service"]}`, 1)
	r, err := ReadReport(strings.NewReader(said+"\n"), mac, func(string) {})
	if err != nil || r.Units == nil || strings.Contains(r.Units.State, "\x1b") || len(r.Units.Failed) != mostFailed || r.Units.Failed[0] != "a.service" {
		t.Errorf("got %+v, %v", r.Units, err)
	}
	if r, err := ReadReport(strings.NewReader(line+"\n"), mac, func(string) {}); err != nil || r.Units != nil {
		t.Errorf("of none: got %+v, %v", r.Units, err)
	}
}

// TestReadReportTellsWhyNot has a node that says why it cannot be reached yet, until it can.
func TestReadReportTellsWhyNot(t *testing.T) {
	without := strings.Replace(line, `"uptime":12.5`, `"uptime":12.5,"network":"no address yet","sshd":"nothing listens on port 22 yet"`, 1)
	elsewhere := strings.Replace(line, mac, "52:54:00:00:00:01", 1)
	noKeys := strings.Replace(line, `"uptime":12.5`, `"uptime":12.5,"network":7.25,"sshd":"no\u001b[2J host keys yet"`, 1)
	whole := strings.Replace(line, `"uptime":12.5`, `"uptime":12.5,"network":7.25,"sshd":9`, 1)
	reasons := []string{}
	r, err := ReadReport(strings.NewReader(strings.Join([]string{without, elsewhere, noKeys, whole}, "\n")+"\n"), mac, func(reason string) { reasons = append(reasons, reason) })
	if err != nil || r.Network.At != 7.25 || r.SSHD.At != 9 {
		t.Errorf("got %+v, %v", r, err)
	}
	if want := []string{"no address yet", "no address on its own network card yet", "no host keys yet"}; !slices.Equal(reasons, want) {
		t.Errorf("want %q, got %q", want, reasons)
	}
	kept, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(kept), `"network":7.25,"sshd":9`) {
		t.Errorf("kept as %s, %v", kept, err)
	}
}

func TestMomentHasALimit(t *testing.T) {
	var m Moment
	if err := json.Unmarshal([]byte(`"`+strings.Repeat("x", 5000)+`"`), &m); err != nil || len(m.Missing) != longestReason {
		t.Errorf("got %d bytes, %v", len(m.Missing), err)
	}
	for _, text := range []string{`{}`, `[1]`, `true`} {
		if err := json.Unmarshal([]byte(text), &m); err == nil {
			t.Errorf("%s is taken for %+v", text, m)
		}
	}
}

func TestKeysRefusesWhatIsNone(t *testing.T) {
	if _, err := (Report{HostKeys: []string{"ssh-ed25519 AAAA\ncore02 ssh-rsa x"}}).Keys(); err == nil {
		t.Error("a guest could write lines of its own into known_hosts")
	}
}

func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console.log")
	c := NewConsole(logAt(path))
	add := func(text string) []string {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		told, err := c.Failure()
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	if told, err := c.Failure(); told != nil || err != nil {
		t.Errorf("no log yet: got %v, %v", told, err)
	}
	if told := add("\x1b[2J[    0.1] Linux version 6.1\r\n[    2.0] ignition[301]: Ignition 2.27.0\r\nIgnition fai"); told != nil {
		t.Errorf("half a line must wait: got %v", told)
	}
	told := add("led: failed to fetch\r\nEntering emergency mode.\r\n")
	if !slices.Equal(told, []string{"Ignition failed: failed to fetch", "Entering emergency mode."}) {
		t.Errorf("got %q", told)
	}
	if got := c.Last()[0]; got != "[    0.1] Linux version 6.1" {
		t.Errorf("escape sequences must go: got %q", got)
	}
}

func TestConsoleKnowsFailures(t *testing.T) {
	for text, failed := range map[string]bool{
		"[ 3.1] Kernel panic - not syncing: VFS: Unable to mount root fs": true,
		"Press Enter for emergency shell or wait 5 minutes for reboot.":   true,
		"No bootable device.":                                                       true,
		"You are in emergency mode. After logging in, type":                         true,
		"[ 9.2] ignition[301]: files: createFilesystemsFiles: op(1): [finished] ok": false,
		"core01 login:": false,
		"Booting from Hard Disk...\r\nBoot failed: not a bootable disk\r":                       true,
		"BdsDxe: No bootable option or device was found.":                                       true,
		"error: no such device: 5d2b.\nEntering rescue mode...":                                 true,
		"error: no such device: root.\nPress any key to continue...\n[    0.0] Linux version 6": false,
		"Give root password for maintenance":                                                    true,
	} {
		path := filepath.Join(t.TempDir(), "console.log")
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if told, err := NewConsole(logAt(path)).Failure(); err != nil || (told != nil) != failed {
			t.Errorf("%s: got %v, %v", text, told, err)
		}
	}
}

func TestAccess(t *testing.T) {
	a := Access{Dir: filepath.Join(t.TempDir(), "ssh.core")}
	public, err := a.PublicKey("cluster-core")
	if err != nil || !strings.HasPrefix(public, "ssh-ed25519 ") || !strings.HasSuffix(public, " cluster-core") {
		t.Fatalf("got %q, %v", public, err)
	}
	if again, err := a.PublicKey("cluster-core"); err != nil || again != public {
		t.Errorf("the key must stay: got %q, %v", again, err)
	}
	if info, err := os.Stat(a.key()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(a.key(), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PublicKey("c"); err == nil || !strings.Contains(err.Error(), "hint: remove") {
		t.Errorf("a broken key: got %v", err)
	}
}

func TestTrust(t *testing.T) {
	a := Access{Dir: t.TempDir()}
	r, err := ReadReport(strings.NewReader(line+"\n"), mac, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, reports := range []map[string]Report{{"core01": r}, {"core02": r}, {"core02": r}} {
		if err := a.Trust(reports); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(a.knownHosts())
	want := strings.ReplaceAll("core01 KEY\ncore02 KEY\n", "KEY", r.HostKeys[0])
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestTrustAtOnce has nodes report at the same time, to several runs.
func TestTrustAtOnce(t *testing.T) {
	dir := t.TempDir()
	r, err := ReadReport(strings.NewReader(line+"\n"), mac, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := (Access{Dir: dir}).Trust(map[string]Report{fmt.Sprintf("core%02d", i): r}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := os.ReadFile(filepath.Join(dir, "known_hosts"))
	if err != nil || strings.Count(string(got), "ssh-ed25519") != 20 {
		t.Errorf("got %v\n%s", err, got)
	}
}

func TestCommandIsStrict(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w s", "ssh.core")
	access := Access{Dir: dir, New: true}
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyNJEoRr07SpWb0HrnLPnqzyKHkqtQ3IMqNQYgR0hOZ"
	if err := access.Trust(map[string]Report{"core02": {HostKeys: []string{key}}, "core03": {}}); err != nil {
		t.Fatal(err)
	}
	args := access.Command(context.Background(), "core", "core02", "10.0.0.2", "uname -r").Args
	for _, want := range []string{"StrictHostKeyChecking=yes", "HostKeyAlias=core02", `UserKnownHostsFile="` + dir + `/known_hosts"`, "10.0.0.2", "uname -r"} {
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %q", want, args)
		}
	}
	// the first key of a node that could report none is believed
	if args := access.Command(context.Background(), "core", "core03", "10.0.0.3", "").Args; !slices.Contains(args, "StrictHostKeyChecking=accept-new") {
		t.Errorf("got %q", args)
	}
	if err := access.Trust(map[string]Report{"core02": {}}); err != nil {
		t.Fatal(err)
	}
	if config := access.Config("core", "core02", "10.0.0.2"); !strings.Contains(config, "StrictHostKeyChecking yes") {
		t.Errorf("a report without keys makes it forget: %s", config)
	}
	if err := access.Forget("core02"); err != nil {
		t.Fatal(err)
	}
	if config := access.Config("core", "core02", "10.0.0.2"); !strings.Contains(config, "StrictHostKeyChecking accept-new") {
		t.Errorf("made anew: %s", config)
	}
	// which is of ready=off only: else every node reports its keys
	access.New = false
	if config := access.Config("core", "core02", "10.0.0.2"); !strings.Contains(config, "StrictHostKeyChecking yes") {
		t.Errorf("an unknown key: %s", config)
	}
}

// Where the node lets in the cluster's own key ssh offers no other; where only the user's, those of an agent.
func TestCommandOffersOneKey(t *testing.T) {
	vm := t.TempDir()
	access := Access{Dir: filepath.Join(vm, "ssh.core")}
	offered := func() string {
		return strings.Join(access.Command(t.Context(), "core", "core01", "10.0.0.1", "").Args, " ") + access.Config("core", "core01", "10.0.0.1")
	}
	if strings.Contains(offered(), "IdentitiesOnly") {
		t.Errorf("there is no key: %s", offered())
	}
	key, err := access.PublicKey("cluster-core")
	if err != nil {
		t.Fatal(err)
	}
	for doc, only := range map[string]bool{`{"sshAuthorizedKeys":["` + key + `"]}`: true, `{"sshAuthorizedKeys":["ssh-ed25519 AAAA mine"]}`: false} {
		if err := os.MkdirAll(filepath.Join(vm, "core01"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(vm, "core01", "ignition.json"), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := offered(); strings.Contains(got, "IdentitiesOnly=yes") != only || strings.Contains(got, "\n  IdentitiesOnly yes\n") != only {
			t.Errorf("%s: got %s", doc, got)
		}
	}
}
