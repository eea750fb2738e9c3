package guest

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLogin(t *testing.T) {
	const kernel = "[    0.000000] Linux version 6.12.5\r\n"
	const failed = "coreos-libvirt-ready.service: Started coreos-libvirt-ready.service - Tell the host.\r\ncoreos-libvirt-ready.service: /etc/coreos-libvirt/ready.sh: 3: Syntax error\r\ncoreos-libvirt-ready.service: coreos-libvirt-ready.service: Main process exited, code=exited, status=2/INVALIDARGUMENT\r\n"
	for name, c := range map[string]struct {
		text     string
		prompted bool
		unit     []string
	}{
		"Fedora CoreOS":      {kernel + "Fedora CoreOS 43\r\ncore01 login: ", true, nil},
		"Flatcar":            {kernel + "core01 login: core (automatic login)\r\n\r\nFlatcar Container Linux 4593\r\ncore@core01 ~ $ ", true, nil},
		"systemd goes on":    {kernel + "core01 login: [  OK  ] Finished foo.service.\r\n", true, nil},
		"the kernel goes on": {kernel + "core01 login: [   30.123] IPv6: ADDRCONF(NETDEV_CHANGE): veth0: link becomes ready\r\n", true, nil},
		"boots again":        {kernel + "core01 login: \r\n" + failed + kernel, false, nil},
		"the unit fails":     {kernel + "core01 login: " + failed + failed, true, []string{"/etc/coreos-libvirt/ready.sh: 3: Syntax error", "Main process exited, code=exited, status=2/INVALIDARGUMENT"}},
		"no prompt":          {kernel + "[  OK  ] Started systemd-logind.service - User Login Management.\r\nlast login: yesterday\r\n", false, nil},
		"nothing":            {"", false, nil},
		"a prompt long past": {kernel + "core01 login: \r\n" + strings.Repeat("x\r\n", consoleTail), false, nil},
	} {
		path := filepath.Join(t.TempDir(), "console.log")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		prompted, unit, err := Login(logAt(path))
		if err != nil || prompted != c.prompted || !slices.Equal(unit, c.unit) {
			t.Errorf("%s: got %v, %q, %v", name, prompted, unit, err)
		}
	}
	if _, _, err := Login(logAt("/nowhere")); err == nil {
		t.Error("no log: no error")
	}
}

func TestSSHAnswers(t *testing.T) {
	for says, want := range map[string]bool{"SSH-2.0-OpenSSH_9.2\r\n": true, "welcome\r\nSSH-2.0-x\r\n": true, "HTTP/1.1 400\r\n\r\n": false, "": false} {
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := server.Accept(); err == nil {
				_, _ = conn.Write([]byte(says))
				if says != "" { // else it says nothing for ever
					_ = conn.Close()
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if want {
			ctx = t.Context()
		}
		if err := SSHAnswers(ctx, netip.MustParseAddrPort(server.Addr().String())); (err == nil) != want {
			t.Errorf("%q: got %v", says, err)
		}
		cancel()
		_ = server.Close()
	}
}
