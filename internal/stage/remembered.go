package stage

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

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
)

// blink is how long a node that was ready may take to show that it still is, before it is asked.
const blink = 300 * time.Millisecond

const sshPort = 22

func (r *Run) reportFile(node string) string { return r.vm(node, "report.json") }

// remember keeps the node's report, if it gave one.
func (r *Run) remember(node string, report guest.Report, failed error) error {
	if failed != nil {
		return nil
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return artifact.Write(r.reportFile(node), text, 0o600)
}

// remembered is what the node reported since it was started, if sshd still listens where it was then, on the
// node's own hardware address: asking anew would take the guest up to a second.
func (r *Run) remembered(ctx context.Context, node string) (report guest.Report, ok bool) {
	if report, ok = r.kept(node); !ok || report.BootID == "" { // found otherwise: it may report by now
		return report, false
	}
	if kept, err := os.Stat(r.reportFile(node)); err == nil {
		report.Uptime += time.Since(kept.ModTime()).Seconds()
	}
	mac := cluster.MAC(node)
	address := report.Address(mac)
	at, err := netip.ParseAddr(address)
	return report, err == nil && listens(ctx, netip.AddrPortFrom(at, sshPort)) && host.Neighbours()[mac] == at
}

// kept is what the node reported since it was started.
func (r *Run) kept(node string) (report guest.Report, ok bool) {
	text, err := os.ReadFile(r.reportFile(node))
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	return report, err == nil
}

// listens tells whether a TCP server is at the address, and leaves it asleep: its kernel has answered when this one
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
