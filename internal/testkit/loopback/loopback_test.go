package loopback

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Two processes have no address in common.
func TestAnotherProcessHasOtherAddresses(t *testing.T) {
	if os.Getenv("LOOPBACK_CHILD") != "" { //nolint:forbidigo // a test's own word
		t.Logf("<%s>", claim().prefix)
		return
	}
	seen := map[string]bool{claimed().prefix: true, claim().prefix: true}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "LOOPBACK_CHILD=1")
	out, err := cmd.CombinedOutput()
	_, prefix, ok := strings.Cut(string(out), "<")
	prefix, _, _ = strings.Cut(prefix, ">")
	if err != nil || !ok || seen[prefix] || len(seen) != 2 {
		t.Errorf("got %v, %s; this process has %v", err, out, seen)
	}
}

func TestFreeIsAnotherEachTime(t *testing.T) {
	first, second := Free(), Free()
	if first == second || !strings.HasPrefix(first, Address(1)+":") {
		t.Errorf("got %s and %s", first, second)
	}
	listener, err := net.Listen("tcp", second)
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
}
