package etcd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/testkit/pace"
)

// standIn is a helper that another program stands in for.
func standIn(t *testing.T, script string) Helper {
	t.Helper()
	module, bin := "../..", t.TempDir()
	name, err := digest(module)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "etcd-helper-"+name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	helper := NewHelper(module, bin)
	t.Cleanup(helper.Close)
	return helper
}

// TestAHelperThatIsNotWellEnds, and who asked it is told what it did.
func TestAHelperThatIsNotWellEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	for script, want := range map[string]string{
		"echo 'out of \033[2Jluck' >&2; exit 3":                                          "exit status 3\nout of luck\nhint: ",
		"yes no >&2 & sleep 0.2; kill $! $$":                                             "signal: terminated\n",
		"echo garbage; exec sleep 60":                                                    "it answered something else than JSON: invalid character",
		`echo '{"id":1,"last":true,"more":1}'; exec sleep 60`:                            `it answered something else than JSON: json: unknown field "more"`,
		`read x; printf '%s\n' '{"id":0,"last":true,"error":"what\nis"}'; exec sleep 60`: "it did not understand a request: what\nis\nhint: ",
		"head -c 9000000 /dev/zero | tr '\\0' x; exec sleep 60":                          wire.ErrTooLong.Error(),
		`read x; echo '{"id":7,"result":{}}'; exit`:                                      "the etcd helper ended before it answered\nhint: ",
		`read x; echo '{"id":1,"result":{"members":[],"peers":[]}}'; kill -KILL $$`:      "signal: killed\nhint: ",
	} {
		_, err := standIn(t, script).Status(ctx, []string{"http://127.0.0.1:1"}, time.Second)
		if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), want) || len(err.Error()) > 2*tailBytes {
			t.Errorf("%s: want %s, got %v", script, want, err)
		}
	}
}

// TestARequestThatIsTooLong is not sent, and the next one is.
func TestARequestThatIsTooLong(t *testing.T) {
	helper := standIn(t, `read x; echo '{"id":2,"last":true}'; cat`)
	if err := helper.Register(t.Context(), []string{"http://127.0.0.1:1"}, strings.Repeat("x", wire.MaxRequest), 3); !errors.Is(err, wire.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if err := helper.Remove(t.Context(), []string{"http://127.0.0.1:1"}, "1"); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestAClosedHelperIsNotStartedAgain, neither by what is asked then.
func TestAClosedHelperIsNotStartedAgain(t *testing.T) {
	helper := standIn(t, `exec cat >/dev/null`)
	asked := make(chan error, 1)
	go func() { asked <- helper.Add(t.Context(), []string{"http://127.0.0.1:1"}, "http://127.0.0.1:2") }()
	for running := false; !running; time.Sleep(10 * time.Millisecond) {
		helper.program.mu.Lock()
		running = helper.program.latest != nil && isClosed(helper.program.latest.done)
		helper.program.mu.Unlock()
	}
	helper.Close()
	if err := <-asked; !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	if _, err := helper.Peers(t.Context(), nil); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
	helper.Close()
}
