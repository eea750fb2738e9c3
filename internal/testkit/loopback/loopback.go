// Package loopback is, for tests, addresses of this machine that only this process listens at: tests of other processes,
// also those of another clone, have others.
package loopback

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// guard is the port that a process listens at as long as the net is its own.
const guard = 20000

// nets is how many there are: 127.64.0.0/24 to 127.127.255.0/24.
const nets = 64 << 8

// mine is this process' net, and what keeps it.
type mine struct {
	prefix string // 127.64.0.
	guard  net.Listener
}

var claimed = sync.OnceValue(claim)

// claim takes the first net that nobody has, beginning at one that no other process begins at.
func claim() mine {
	var err error
	for i := range nets {
		n := (os.Getpid() + i) % nets
		m := mine{prefix: fmt.Sprintf("127.%d.%d.", 64+n>>8, n&0xff)}
		if m.guard, err = net.Listen("tcp", fmt.Sprintf("%s254:%d", m.prefix, guard)); err == nil {
			return m
		}
	}
	panic(fmt.Sprintf("no net of this machine's is free: %v", err))
}

// Address is the address number n of this process' net, from 1 to 250. All its ports are free.
func Address(n int) string { return claimed().prefix + fmt.Sprint(n) }

var last atomic.Int32

// Free is a host and a port that nobody listens at, another one each time: the first address', and never again this port.
func Free() string {
	for {
		at := fmt.Sprintf("%s:%d", Address(1), guard+last.Add(1))
		listener, err := net.Listen("tcp", at)
		if err == nil {
			_ = listener.Close()
			return at
		}
		if strings.Contains(err.Error(), "invalid port") {
			panic("no port is left")
		}
	}
}
