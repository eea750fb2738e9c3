package etcd

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// TestAServiceThatDoesNotLive is told of, with what the helper printed, when its last helper has died.
func TestAServiceThatDoesNotLive(t *testing.T) {
	t.Parallel()
	helper := standIn(t, `read x; echo '{"id":1}'; sleep 0.1; echo 'panic: out of luck' >&2; exit 2`)
	server, err := helper.Serve(t.Context(), Service{Listen: "http://127.0.0.1:1", Data: filepath.Join(t.TempDir(), "d")}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	lost := make(chan error, 1)
	go func() { lost <- server.Wait() }()
	select {
	case err = <-lost:
	case <-time.After(pace.Hang):
		t.Fatal("the service does not end")
	}
	want := "the discovery service has ended, after 3 starts: the etcd helper ended before it answered: exit status 2\npanic: out of luck\nhint: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "`mage up`") {
		t.Errorf("got %v", err)
	}
	if again := server.Lost(); again == nil || again.Error() != err.Error() {
		t.Errorf("got %v", again)
	}
}

// TestAServiceThatIsClosed is not lost.
func TestAServiceThatIsClosed(t *testing.T) {
	t.Parallel()
	helper := standIn(t, `read x; echo '{"id":1}'; read x; echo '{"id":1,"last":true}'; cat`)
	server, err := helper.Serve(t.Context(), Service{Listen: "http://127.0.0.1:1", Data: filepath.Join(t.TempDir(), "d")}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Lost(); err != nil {
		t.Errorf("it serves: got %v", err)
	}
	server.Close()
	if err := errors.Join(server.Wait(), server.Lost()); err != nil {
		t.Errorf("got %v", err)
	}
}
