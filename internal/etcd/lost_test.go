package etcd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace/artifact"
)

// untilEnded is for what must end, however slow the machine is.
func untilEnded(t *testing.T, what string, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(pace.Hang):
		t.Fatalf("%s: it does not end", what)
		return nil
	}
}

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
	err = untilEnded(t, "the service", lost)
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

// TestAnAnswerThatIsTooLong is an error of its request only.
func TestAnAnswerThatIsTooLong(t *testing.T) {
	t.Parallel()
	const big = `head -c 9000000 /dev/zero | tr '\0' x`
	for what, tells := range map[string]string{
		"the last one":      `printf '{"id":1,"last":true,"result":"'; ` + big + `; echo '"}'`,
		"one of several":    `printf '{"id":1,"result":"'; ` + big + `; echo '"}'; read x; echo '{"id":1,"last":true}'`,
		"an error for ever": `printf '{"id":1,"last":true,"error":"'; ` + big + `; echo '"}'`,
	} {
		t.Run(what, func(t *testing.T) {
			helper := standIn(t, `read x; `+tells+`; read x; echo '{"id":2,"last":true,"result":[{"id":"a","name":"core01","urls":[],"clients":[]}]}'; cat`)
			_, err := helper.Peers(t.Context(), []string{"http://127.0.0.1:1"})
			if err == nil || errors.Is(err, errEnded) || !strings.Contains(err.Error(), "the etcd helper's answer is longer than 8 MiB") || !strings.Contains(err.Error(), "\nhint: ") {
				t.Errorf("got %v", err)
			}
			if peers, err := helper.Peers(t.Context(), []string{"http://127.0.0.1:1"}); err != nil || len(peers) != 1 {
				t.Errorf("the next request: got %+v, %v", peers, err)
			}
		})
	}
}

// TestNobodyWaitsForABuildLongerThanItWants: while the program is built, those that have a deadline keep it, and the others get
// their answers then.
func TestNobodyWaitsForABuildLongerThanItWants(t *testing.T) {
	t.Parallel()
	helper := standIn(t, `while read x; do echo '{"id":1,"last":true,"result":[]}'; done`)
	bin := helper.program.bin
	built, err := filepath.Glob(filepath.Join(bin, "etcd-helper-*"))
	if err != nil || len(built) != 1 {
		t.Fatalf("got %q, %v", built, err)
	}
	unlock, err := artifact.Lock(t.Context(), filepath.Join(bin, ".lock"), func() {}) // as another run that builds it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(built[0], built[0]+".later"); err != nil {
		t.Fatal(err)
	}
	patient := make(chan error, 1)
	go func() {
		_, err := helper.Peers(t.Context(), []string{"http://127.0.0.1:1"})
		patient <- err
	}()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		hasty := make(chan error, 1)
		go func() {
			_, err := helper.Peers(ctx, []string{"http://127.0.0.1:1"})
			hasty <- err
		}()
		if err := untilEnded(t, "a question with a deadline", hasty); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the etcd helper is still being built") {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	if err := os.Rename(built[0]+".later", built[0]); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := untilEnded(t, "a question without a deadline", patient); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestAHelperThatIsBuiltCanBeClosed at once.
func TestAHelperThatIsBuiltCanBeClosed(t *testing.T) {
	t.Parallel()
	helper := NewHelper("../..", t.TempDir())
	unlock, err := artifact.Lock(t.Context(), filepath.Join(helper.program.bin, ".lock"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	asked, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := helper.Peers(t.Context(), []string{"http://127.0.0.1:1"})
		asked <- err
	}()
	time.Sleep(100 * time.Millisecond) // most likely it waits for the lock by now; closed before, it is not built at all
	go func() { helper.Close(); closed <- nil }()
	if err := untilEnded(t, "Close", closed); err != nil {
		t.Error(err)
	}
	if err := untilEnded(t, "the question", asked); !errors.Is(err, errEnded) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
