package bridge

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeHost has fakes of the programs that again calls: the card eth0 has an address after so many reconfigurations, and time
// passes only in a note. reports gives how often it was reconfigured, and the seconds that passed.
func fakeHost(t *testing.T, address, bridge string) (env []string, reports func() (reconfigured, slept int)) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{
		"networkctl": `echo "$*" >>"$DIR/networkctl.log"`,
		"sleep":      `echo "$1" >>"$DIR/sleep.log"`,
		"ip": `case "$*" in
"-oneline address show dev eth0 scope global") [ $(cat "$DIR/networkctl.log" | wc -l) -lt ` + address + ` ] || echo "2: eth0 inet 10.0.0.2/24" ;;
"link show dev br0") [ $(cat "$DIR/sleep.log" | wc -l) -ge ` + bridge + ` ] ;;
*) exit 1 ;;
esac`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(name string) int {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.Count(string(text), "\n")
	}
	for _, name := range []string{"networkctl.log", "sleep.log"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(), "DIR="+dir), func() (int, int) { return lines("networkctl.log"), lines("sleep.log") }
}

// TestACardIsAskedForUntilItHasItsAddress, with longer and longer waits, as what it is told while its bridge goes a busy
// systemd-networkd may lose more than once.
func TestACardIsAskedForUntilItHasItsAddress(t *testing.T) {
	const never = "1000"
	for what, c := range map[string]struct {
		address, bridge, within   string
		reconfigured, least, most int
	}{
		"at once":                  {"0", never, "", 0, 0, 0},
		"after three":              {"3", never, "", 3, 16, 20},
		"never":                    {never, never, "", 7, 300, 300},
		"never, in less time":      {never, never, "within=20\n", 3, 20, 20},
		"the bridge is made again": {never, "30", "", 3, 30, 30},
		"in no time at all":        {never, never, "within=0\n", 1, 8, 8},
		"never, in a second":       {never, never, "within=1\n", 1, 8, 8},
	} {
		env, reports := fakeHost(t, c.address, c.bridge)
		cmd := exec.Command("sh", "-c", "PATH=\"$DIR:$PATH\"\n"+c.within+again("eth0", "br0"))
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
		if reconfigured, slept := reports(); reconfigured != c.reconfigured || slept < c.least || slept > c.most {
			t.Errorf("%s: reconfigured %d times in %d s", what, reconfigured, slept)
		}
	}
}
