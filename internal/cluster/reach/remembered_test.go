package reach

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestAskingWhetherAServerListensWakesNobody: sshd would start a process for a connection, and note it in the journal.
func TestAskingWhetherAServerListensWakesNobody(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := server.Addr().(*net.TCPAddr).AddrPort()
	if !listens(context.Background(), at) {
		t.Error("it listens")
	}
	_ = server.(*net.TCPListener).SetDeadline(time.Now().Add(time.Second))
	if conn, err := server.Accept(); err == nil {
		t.Errorf("it was woken by %s", conn.RemoteAddr())
	}
	_ = server.Close()
	if listens(context.Background(), at) {
		t.Error("it does not listen any more")
	}
	if listens(context.Background(), netip.AddrPort{}) {
		t.Error("nowhere nobody listens")
	}
}
