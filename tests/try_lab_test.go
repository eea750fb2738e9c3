//go:build lab

package tests

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// serving is a config with a service that runs a program.
const serving = `variant: fcos
version: 1.5.0
passwd:
  users: [{name: core, ssh_authorized_keys: [SSH_Authorized_Key]}]
systemd:
  units:
    - name: web.service
      enabled: true
      contents: |
        [Unit]
        Description=Serves
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=%s
        [Install]
        WantedBy=multi-user.target
`

// mendedInTheLoop has `mage try` see a service that cannot be executed, and see it well after a save, without another command. A save
// in the middle of a boot gives that up.
func mendedInTheLoop(t *testing.T, c clone) {
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.write(t, "web.yml", fmt.Sprintf(serving, "/srv/nope"))
	cmd := c.command("lab", "try", "nodes=1", "config=web.yml", "verify=off", "units=fail")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := waitFor(t, cmd, "not well after ")
	if out := said(); !strings.Contains(out, "core01: web.service has failed: exit-code, status 203/EXEC\n") || !strings.Contains(out, "web.service of the config failed\nhint: ") {
		t.Errorf("got\n%s", out)
	}
	c.write(t, "web.yml", fmt.Sprintf(serving, "/bin/sleep"))
	soon(t, said, "core01: will be recreated: ", 1)
	soon(t, said, "core01: booting", 2)
	begin := time.Now()
	c.write(t, "web.yml", fmt.Sprintf(serving, "/bin/true"))
	soon(t, said, "given up after ", 1)
	soon(t, said, " well after ", 2)
	t.Logf("well %s after the save; it said\n%s", time.Since(begin).Round(time.Second), said())
	distributor.Must(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C: got %v", err)
	}
	if out := c.mage(t, "lab", "ssh", "node=core01", "cmd=systemctl is-active web"); strings.TrimSpace(out) != "active" {
		t.Errorf("got %s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	distributor.Must(t, os.Remove(c.dir+"/web.yml"))
}

// soon waits until a program has said a text that many times.
func soon(t *testing.T, said func() string, text string, times int) {
	t.Helper()
	for deadline := time.Now().Add(max(pace.Hang, pace.Limit(60))); strings.Count(said(), text) < times; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not say %q %d times:\n%s", text, times, said())
		}
	}
}
