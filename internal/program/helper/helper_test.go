package helper

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/program"
	"coreos-libvirt/internal/program/line"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace/artifact"
)

// request is what these tests ask.
type request struct {
	ID   int64  `json:"id"`
	Text string `json:"text,omitempty"`
}

const maxBytes = 1 << 20

// small is a helper that is built in no time, and ends with its input.
func small(t *testing.T) *Helper {
	t.Helper()
	folder, bin := t.TempDir(), t.TempDir()
	if err := os.Chmod(bin, 0o755); err != nil { // whatever the umask says
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"go.mod": "module small\n\ngo 1.26\n", "go.sum": "", "main.go": "package main\n\nimport (\n\t\"io\"\n\t\"os\"\n)\n\nfunc main() { _, _ = io.Copy(io.Discard, os.Stdin) }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	helper := New(Kind{
		Program:    program.Program{Name: "small helper", Prefix: "small-helper-", Lock: ".lock", Bin: bin, Folder: folder, Module: "small", Package: "."},
		MaxRequest: maxBytes, MaxAnswer: maxBytes, TooLong: "ask for less",
		Cancel: func(id int64) any { return request{id, "cancel"} },
		Failed: func(said json.RawMessage) error {
			var text string
			return errors.Join(json.Unmarshal(said, &text), errors.New(text))
		},
	})
	t.Cleanup(helper.Close)
	return helper
}

// standIn is a helper that a script stands in for.
func standIn(t *testing.T, script string) *Helper {
	t.Helper()
	helper := small(t)
	path, _, err := helper.Program.Built()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return helper
}

// ask makes a request, and gives the results.
func ask(ctx context.Context, helper *Helper, text string) (results []string, err error) {
	err = helper.Ask(ctx, func(id int64) any { return request{id, text} }, func(result json.RawMessage) error {
		results = append(results, string(result))
		return nil
	})
	return results, err
}

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
		"head -c 9000000 /dev/zero | tr '\\0' x; exec sleep 60":                          line.ErrTooLong.Error(),
		`read x; echo '{"id":7,"result":{}}'; exit`:                                      "the small helper ended before it answered\nhint: ",
		`read x; echo '{"id":1,"result":{"members":[],"peers":[]}}'; kill -KILL $$`:      "signal: killed\nhint: ",
	} {
		_, err := ask(ctx, standIn(t, script), "")
		if !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), want) || len(err.Error()) > 2*tailBytes {
			t.Errorf("%s: want %s, got %v", script, want, err)
		}
	}
}

// TestARequestThatIsTooLong is not sent, and the next one is.
func TestARequestThatIsTooLong(t *testing.T) {
	helper := standIn(t, `read x; echo '{"id":2,"last":true}'; cat`)
	if _, err := ask(t.Context(), helper, strings.Repeat("x", maxBytes)); !errors.Is(err, line.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if _, err := ask(t.Context(), helper, ""); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestAClosedHelperIsNotStartedAgain, neither by what is asked then.
func TestAClosedHelperIsNotStartedAgain(t *testing.T) {
	helper := standIn(t, `exec cat >/dev/null`)
	asked := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), helper, "")
		asked <- err
	}()
	for running := false; !running; time.Sleep(10 * time.Millisecond) {
		helper.mu.Lock()
		running = helper.latest != nil && isClosed(helper.latest.done)
		helper.mu.Unlock()
	}
	helper.Close()
	if err := <-asked; !errors.Is(err, ErrEnded) {
		t.Errorf("got %v", err)
	}
	if _, err := ask(t.Context(), helper, ""); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v", err)
	}
	helper.Close()
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
			_, err := ask(t.Context(), helper, "")
			if err == nil || errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "the small helper's answer is longer than 1 MiB") || !strings.Contains(err.Error(), "\nhint: ") {
				t.Errorf("got %v", err)
			}
			if results, err := ask(t.Context(), helper, ""); err != nil || len(results) != 1 {
				t.Errorf("the next request: got %q, %v", results, err)
			}
		})
	}
}

// TestNobodyWaitsForABuildLongerThanItWants: while the program is built, those that have a deadline keep it, and the others get
// their answers then.
func TestNobodyWaitsForABuildLongerThanItWants(t *testing.T) {
	t.Parallel()
	helper := standIn(t, `while read x; do echo '{"id":1,"last":true,"result":[]}'; done`)
	bin := helper.Program.Bin
	built, err := filepath.Glob(filepath.Join(bin, "small-helper-*"))
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
		_, err := ask(t.Context(), helper, "")
		patient <- err
	}()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		hasty := make(chan error, 1)
		go func() {
			_, err := ask(ctx, helper, "")
			hasty <- err
		}()
		if err := untilEnded(t, "a question with a deadline", hasty); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the small helper is still being built") {
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
	helper := small(t)
	unlock, err := artifact.Lock(t.Context(), filepath.Join(helper.Program.Bin, ".lock"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	asked, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), helper, "")
		asked <- err
	}()
	time.Sleep(100 * time.Millisecond) // most likely it waits for the lock by now; closed before, it is not built at all
	go func() { helper.Close(); closed <- nil }()
	if err := untilEnded(t, "Close", closed); err != nil {
		t.Error(err)
	}
	if err := untilEnded(t, "the question", asked); !errors.Is(err, ErrEnded) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAHelperThatGoesBeforeItIsStarted is built again: another run removed it meanwhile.
func TestAHelperThatGoesBeforeItIsStarted(t *testing.T) {
	t.Parallel()
	helper := small(t)
	goes := true
	running, err := helper.start(t.Context(), func(path string) (*process, error) {
		if goes {
			goes = false
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		return helper.Kind.start(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	running.close()
}
