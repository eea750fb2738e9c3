package guest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBannerAddress(t *testing.T) {
	for text, want := range map[string]string{
		"Fedora CoreOS 43\r\nenp1s0: 192.168.122.5 fe80::5054:ff:fe86:6ae4\r\ncore01 login: ": "192.168.122.5",
		"eth0: 10.0.2.15 fec0::5054:ff:fe12:3456\n\ncore01 login: ":                           "10.0.2.15",
		"\x1b[0;32meth0: fe80::1 2001:db8::7\x1b[0m\n":                                        "2001:db8::7",
		"eth0: 10.0.2.15\nlogin: \neth0: 10.0.2.16\nlogin: ":                                  "10.0.2.16", // booted again
		"eth0: \nlo: 127.0.0.1\neth0: no address\n":                                           "",
		"": "",
	} {
		path := filepath.Join(t.TempDir(), "console.log")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := BannerAddress(logAt(path)); got.IsValid() != (want != "") || got.IsValid() && got.String() != want {
			t.Errorf("%q: want %s, got %s", text, want, got)
		}
	}
}

func TestReadJournal(t *testing.T) {
	const systemd = `{"SYSLOG_IDENTIFIER":"systemd","PRIORITY":"3","MESSAGE":"Failed to start Ignition (files)."}` + "\n"
	const ignition = `{"SYSLOG_IDENTIFIER":"ignition","PRIORITY":"6","MESSAGE":"Stage: \"files\""}
{"SYSLOG_IDENTIFIER":"ignition","PRIORITY":"2","MESSAGE":"failed: \u001b[31mhash mismatch"}
{"SYSLOG_IDENTIFIER":"ignition","PRIORITY":"2","MESSAGE":[1,2]}
` + systemd
	// of a root file system that is not found: Ignition has warned, and is not to blame
	const other = `{"SYSLOG_IDENTIFIER":"ignition","PRIORITY":"4","MESSAGE":"no config at \"/usr/lib/ignition/base.d\""}
{"SYSLOG_IDENTIFIER":"systemd","PRIORITY":"3","MESSAGE":"Timed out waiting for device dev-disk-by\\x2dlabel-root.device"}
`
	for text, want := range map[string]Journal{
		ignition + "{}\n" + systemd: {[]string{"ignition: failed: hash mismatch"}, true},
		systemd + "{}\n":            {[]string{"systemd: Failed to start Ignition (files)."}, true},
		other + "{}\n":              {[]string{`systemd: Timed out waiting for device dev-disk-by\x2dlabel-root.device`}, false},
		"no journal\n{}\n":          {},
		strings.Repeat(systemd, 99): {slices.Repeat([]string{"systemd: Failed to start Ignition (files)."}, 12), true},
	} {
		if got, err := ReadJournal(strings.NewReader(text)); err != nil || got.Ignition != want.Ignition || !slices.Equal(got.Lines, want.Lines) {
			t.Errorf("want %+v, got %+v, %v", want, got, err)
		}
	}
}

// TestAGuestMaySayAnything looks at what ends up in terminals and on ssh's command line.
func TestAGuestMaySayAnything(t *testing.T) {
	line := `{"boot_id":"x","hostname":"core\u001b\u0000[2Jevil\n","interfaces":[{"address":"` + mac + `","addr_info":[
{"family":"inet","scope":"global","local":"-oProxyCommand=reboot"},{"family":"inet6","scope":"global","local":"fd00::1%$(reboot)"}]}]}`
	report, err := ReadReport(strings.NewReader(strings.ReplaceAll(line, "\n{", "{")+"\n"), mac, func(string) {})
	if err != nil || report.HostName != "coreevil" || report.Address(mac) != "fd00::1" {
		t.Errorf("got %q at %q, %v", report.HostName, report.Address(mac), err)
	}
}
