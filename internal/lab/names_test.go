package lab

import (
	"context"
	"flag"
	"net"
	"os"
	"strings"
	"testing"
)

// TestNamesInTheLab: a node's name has the address that is kept for it, and keeps it; the domain has records of as many nodes as there
// are now. What is not there is known at once, and the server is another one when the network is.
func TestNamesInTheLab(t *testing.T) {
	if domain := flag.Arg(0); domain != "" { // this test program once more, inside the lab
		lookUp(t, domain)
		return
	}
	t.Parallel()
	w := newWorld(t, 0)
	nodes := []NodeName{{"core01", "52:54:00:00:00:01"}, {"core02", "52:54:00:00:00:02"}, {"core03", "52:54:00:00:00:03"}}
	looks := func(domain string) string {
		cmd := w.Command(t.Context(), os.Args[0], "-test.run=TestNamesInTheLab", "-test.v", domain)
		return says(t, cmd)
	}
	reserve := func(domain string, nodes ...NodeName) {
		if err := w.Reserve(t.Context(), nodes, domain, t.Logf); err != nil {
			t.Fatal(err)
		}
	}
	reserve("", nodes[1])
	if got := says(t, w.Command(t.Context(), "getent", "hosts", "core02")); !strings.HasPrefix(got, "10.77.0.201 ") {
		t.Errorf("got %s", got)
	}
	fails(t, w.Command(t.Context(), "getent", "hosts", "core01"))
	for number := 2; number <= 3; number++ {
		reserve("example.org", nodes[:number]...)
		if got := looks("example.org"); strings.Count(got, ".example.org.:2380 ") != number || !strings.Contains(got, "core02.example.org.:2380 10.77.0.201\n") {
			t.Errorf("%d nodes: got %s", number, got)
		}
	}
	if got := looks("example.com"); !strings.Contains(got, "no such host") {
		t.Errorf("got %s", got)
	}
	w.endDNS()
	if err := w.Up(t.Context(), 0, t.Logf); err != nil {
		t.Fatal(err)
	}
	if got := looks("example.org"); strings.Count(got, ".example.org.:2380 ") != 3 {
		t.Errorf("another server: got %s", got)
	}
}

// lookUp prints the members that the domain has records of.
func lookUp(t *testing.T, domain string) {
	_, records, err := net.DefaultResolver.LookupSRV(context.Background(), "etcd-server", "tcp", domain)
	if err != nil {
		t.Log(err)
	}
	for _, r := range records {
		addresses, err := net.LookupHost(r.Target)
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s:%d %s\n", r.Target, r.Port, strings.Join(addresses, " "))
	}
}
