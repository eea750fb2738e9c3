package reach

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// blink is how long a node that was ready may take to show that it still is, before it is asked.
const blink = 300 * time.Millisecond

const sshPort = 22

// reportFile is where the report of the node of that name is kept.
func (n Nodes) reportFile(node string) string { return workspace.Node{Dir: n.VM(node)}.Report() }

// Remember keeps the node's report.
func (n Nodes) Remember(node string, report guest.Report) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return artifact.Write(n.reportFile(node), text, 0o600)
}

// Remembered is what the node reported since it was started, if sshd still listens where it was then, on the node's own
// hardware address: to ask the guest again would take up to a second.
func (n Nodes) Remembered(ctx context.Context, node string) (report guest.Report, ok bool) {
	if report, ok = n.Kept(node); !ok || report.BootID == "" { // found otherwise: it may report by now
		return report, false
	}
	if kept, err := os.Stat(n.reportFile(node)); err == nil {
		report.Uptime += time.Since(kept.ModTime()).Seconds()
	}
	mac := workspace.MAC(node)
	address := report.Address(mac)
	at, err := netip.ParseAddr(address)
	return report, err == nil && listens(ctx, netip.AddrPortFrom(at, sshPort)) && host.Neighbours()[mac] == at
}

// Kept is what the node reported since it was started.
func (n Nodes) Kept(node string) (report guest.Report, ok bool) {
	text, err := os.ReadFile(n.reportFile(node))
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	return report, err == nil
}

// LastAddress is where the node said last that it is; empty if it has not said so.
func (n Nodes) LastAddress(node string) string {
	report, ok := n.Kept(node)
	if !ok {
		return ""
	}
	return report.Address(workspace.MAC(node))
}

// listens reports whether a TCP server is at the address, and leaves it asleep: its kernel has answered when this one
// breaks off, before the handshake is complete (tcp(7), TCP_DEFER_ACCEPT: on a socket that connects the last ACK
// waits for data). To sshd a connection is a process to be started, and a line in the journal.
func listens(ctx context.Context, address netip.AddrPort) bool {
	dialer := net.Dialer{Timeout: blink, Control: func(_, _ string, socket syscall.RawConn) (err error) {
		failed := socket.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1) })
		return errors.Join(failed, err)
	}}
	conn, err := dialer.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return false
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // RST, not FIN
	return conn.Close() == nil
}
