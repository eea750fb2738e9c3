package stage

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"time"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
)

// blink is how long a node that was ready may take to show that it still is, before it is asked.
const blink = 300 * time.Millisecond

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
	if report, ok = r.kept(node); !ok {
		return report, false
	}
	if kept, err := os.Stat(r.reportFile(node)); err == nil {
		report.Uptime += time.Since(kept.ModTime()).Seconds()
	}
	mac := cluster.MAC(node)
	address := report.Address(mac)
	return report, address != "" && listens(ctx, address) && host.Neighbours()[mac].String() == address
}

// kept is what the node reported since it was started.
func (r *Run) kept(node string) (report guest.Report, ok bool) {
	text, err := os.ReadFile(r.reportFile(node))
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	return report, err == nil
}

// listens tells whether an ssh server is at the address. Its banner is not waited for: under emulation it takes sshd
// longer than anything else here.
func listens(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{Timeout: blink}).DialContext(ctx, "tcp", net.JoinHostPort(address, "22"))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
