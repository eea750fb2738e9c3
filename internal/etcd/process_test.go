package etcd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/testkit/pace"
)

// counted is a helper whose program notes each of its starts. What it gives are the processes' ids.
func counted(t *testing.T) (helper etcd.Helper, starts func() []int) {
	t.Helper()
	built, err := programs.helper.Build(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	notes := filepath.Join(bin, "starts")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >>'%s'\nexec '%s' \"$@\"\n", notes, built)
	if err := os.WriteFile(filepath.Join(bin, filepath.Base(built)), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	helper = etcd.NewHelper(module, bin)
	t.Cleanup(helper.Close)
	return helper, func() (ids []int) {
		text, _ := os.ReadFile(notes)
		for _, line := range strings.Fields(string(text)) {
			id, _ := strconv.Atoi(line)
			ids = append(ids, id)
		}
		return ids
	}
}

// TestOneProcessServesARun has a cluster that forms, is asked by many at once, and grows by a member.
func TestOneProcessServesARun(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	helper, starts := counted(t)
	listen := free()
	server, err := helper.Serve(ctx, serviceOf(listen, filepath.Join(t.TempDir(), "d"), 2), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := member(t, "core01", listen, "token")
	two, _ := member(t, "core02", listen, "token")
	endpoints := []string{one, two}
	if _, err := helper.WaitHealthy(ctx, endpoints, 2, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	server.Close()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if peers, err := helper.Peers(ctx, endpoints); err != nil || len(peers) != 2 {
				t.Errorf("got %+v, %v", peers, err)
			}
		})
	}
	all.Wait()
	peer := free()
	if err := helper.Add(ctx, endpoints, peer); err != nil {
		t.Fatal(err)
	}
	peers, err := helper.Peers(ctx, endpoints)
	if err != nil {
		t.Fatal(err)
	}
	three, _ := joined(t, "core03", peer, peers)
	learner := peers[slices.IndexFunc(peers, func(p etcd.Peer) bool { return p.Learner })]
	for helper.Promote(ctx, endpoints, learner.ID) != nil && ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
	}
	if status, err := helper.WaitHealthy(ctx, append(endpoints, three), 3, func(etcd.Status) {}); err != nil || len(status.Healthy()) != 3 {
		t.Errorf("got %+v, %v", status, err)
	}
	if n := len(starts()); n != 1 {
		t.Errorf("the helper was started %d times", n)
	}
}

// TestACancelledRequestLeavesTheOthers: it ends at once, and its process stays.
func TestACancelledRequestLeavesTheOthers(t *testing.T) {
	t.Parallel()
	helper, starts := counted(t)
	waiting, cancel := context.WithCancel(t.Context())
	seen := make(chan struct{}, 100)
	ended := make(chan error, 2)
	for _, ctx := range []context.Context{waiting, untilItHangs(t)} {
		go func() {
			_, err := helper.WaitHealthy(ctx, []string{"http://127.0.0.1:1"}, 1, func(etcd.Status) { seen <- struct{}{} })
			ended <- err
		}()
	}
	<-seen
	<-seen
	begin := time.Now()
	if _, err := helper.Status(t.Context(), []string{"http://127.0.0.1:1"}, time.Second); err != nil {
		t.Fatal(err)
	}
	oneQuestion := time.Since(begin)
	begin = time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > 4*time.Second+5*oneQuestion { // after 5 nobody waits for the helper
		t.Errorf("it took %s to cancel", took)
	}
	if status, err := helper.Status(t.Context(), []string{"http://127.0.0.1:1"}, time.Second); err != nil || len(status.Members) != 1 {
		t.Errorf("got %+v, %v", status, err)
	}
	select {
	case err := <-ended:
		t.Errorf("the other one ended: %v", err)
	default:
	}
	if n := len(starts()); n != 1 {
		t.Errorf("the helper was started %d times", n)
	}
}

// TestAHelperThatIsKilled says so to who waits for it. The next request starts another one, which serves what this one did.
func TestAHelperThatIsKilled(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	helper, starts := counted(t)
	listen := free()
	server, err := helper.Serve(ctx, serviceOf(listen, filepath.Join(t.TempDir(), "d"), 2), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	seen, ended := make(chan struct{}, 100), make(chan error, 1)
	go func() {
		_, err := helper.WaitHealthy(ctx, []string{"http://127.0.0.1:1"}, 1, func(etcd.Status) { seen <- struct{}{} })
		ended <- err
	}()
	<-seen
	if err := syscall.Kill(starts()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the etcd helper ended before it answered: signal: killed\nhint: ") {
		t.Errorf("got %v", err)
	}
	if _, err := helper.Status(ctx, []string{"http://127.0.0.1:1"}, time.Second); err != nil {
		t.Errorf("the next request: got %v", err)
	}
	for size := ""; !strings.Contains(size, `"value":"2"`); time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(listen + "/v2/keys/discovery/token/_config/size"); err == nil {
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			size = string(body)
		}
		if ctx.Err() != nil {
			t.Fatalf("the service does not come back: %s", size)
		}
	}
	if n := len(starts()); n != 2 {
		t.Errorf("the helper was started %d times", n)
	}
}

// raw is the program with nobody between.
type raw struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Reader
}

func rawHelper(t *testing.T) raw {
	t.Helper()
	path, err := programs.helper.Build(t.Context(), func(string, ...any) { t.Error("it is built already") })
	if err != nil {
		t.Fatal(err)
	}
	r := raw{cmd: exec.Command(path)}
	r.cmd.Stderr = os.Stderr
	stdin, err1 := r.cmd.StdinPipe()
	stdout, err2 := r.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, r.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	r.stdin, r.answers = stdin, bufio.NewReader(stdout)
	return r
}

func (r raw) asked(t *testing.T, line string) string {
	t.Helper()
	if _, err := io.WriteString(r.stdin, line+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := r.answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%.80s: %v", line, err)
	}
	return strings.TrimSpace(answer)
}

// TestWhatIsNoRequest has an answer that says so, and the next request is answered.
func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	r := rawHelper(t)
	for _, c := range [][2]string{
		{``, `{"id":0,"last":true,"error":"this is not a request: EOF"}`},
		{`garbage`, `{"id":0,"last":true,"error":"this is not a request: invalid`},
		{"\x00\xff\x1b[2J", `{"id":0,"last":true,"error":"this is not a request: invalid`},
		{`[1,2]`, `{"id":0,"last":true,"error":"this is not a request: json: cannot unmarshal array`},
		{`null`, `{"id":0,"last":true,"error":"a request's id is a number from 1"}`},
		{`{"id":-1,"verb":"list"}`, `{"id":0,"last":true,"error":"a request's id is a number from 1"}`},
		{`{"id":1,"verb":"list"} {"id":2}`, `{"id":0,"last":true,"error":"this is not a request: more than one JSON value"}`},
		{`{"id":1,"verb":"list","color":"red"}`, `{"id":0,"last":true,"error":"this is not a request: json: unknown field \"color\""}`},
		{`{"id":1,"verb":"list","endpoints":["` + strings.Repeat("x", wire.MaxRequest) + `"]}`, `{"id":0,"last":true,"error":"the message is too long"}`},
		{strings.Repeat("[", 3<<20), `{"id":0,"last":true,"error":"the message is too long"}`},
		{`{"id":1,"verb":"list","credentials":` + strings.Repeat(`{"ca":`, 20000) + `}`, `{"id":0,"last":true,"error":"this is not a request: `},
		{`{"id":1,"verb":"explode"}`, `{"id":1,"last":true,"error":"\"explode\" is not a verb"}`},
		{`{"id":1}`, `{"id":1,"last":true,"error":"\"\" is not a verb"}`},
		{`{"id":1,"verb":"list"}`, `{"id":1,"last":true,"error":"no endpoints"}`},
		{`{"id":1,"verb":"list","args":{"id":"x"},"endpoints":["http://127.0.0.1:1"]}`, `{"id":1,"last":true,"error":"list: the arguments are not what it takes: json: unknown field`},
		{`{"id":1,"verb":"remove","endpoints":["http://127.0.0.1:1"]}`, `{"id":1,"last":true,"error":"remove: the arguments are not what it takes: EOF"}`},
		{`{"id":1,"verb":"remove","args":{"id":"core01"},"endpoints":["http://127.0.0.1:1"]}`, `{"id":1,"last":true,"error":"strconv.ParseUint`},
		{`{"id":1,"verb":"serve","args":{"listen":":","data":"/nonexistent/x"}}`, `{"id":1,"last":true,"error":"parse \":\"`},
		{`{"id":1,"verb":"look"}`, `{"id":1,"last":true,"error":"look: the arguments are not what it takes: EOF"}`},
		{`{"id":1,"verb":"look","args":{"milliseconds":-5},"endpoints":["","%%","http://127.0.0.1:1"]}`, `{"id":1,"last":true,"result":{"members":[`},
		{`{"id":1,"verb":"list","endpoints":["https://127.0.0.1:1"],"credentials":{"ca":"/nonexistent"}}`, `{"id":1,"last":true,"error":"open /nonexistent`},
	} {
		if got := r.asked(t, c[0]); !strings.HasPrefix(got, c[1]) {
			t.Errorf("%.80s: want %s, got %.300s", c[0], c[1], got)
		}
	}
	if _, err := io.WriteString(r.stdin, `{"id":7,"verb":"cancel"}`+"\n"); err != nil { // which has ended, and has no answer
		t.Fatal(err)
	}
	if got := r.asked(t, `{"id":2,"verb":"look","args":{"milliseconds":100},"endpoints":[]}`); got != `{"id":2,"last":true,"result":{"members":[],"peers":null}}` {
		t.Errorf("a good one: got %s", got)
	}
	watching := `{"id":3,"verb":"watch","args":{"milliseconds":100},"endpoints":[]}`
	if got := r.asked(t, watching); got != `{"id":3,"result":{"members":[],"peers":null}}` {
		t.Errorf("got %s", got)
	}
	if got := r.asked(t, watching); got != `{"id":0,"last":true,"error":"there is an open request 3"}` {
		t.Errorf("the same id again: got %s", got)
	}
	if got := r.asked(t, `{"id":3,"verb":"cancel"}`); got != `{"id":3,"last":true,"error":"context canceled"}` {
		t.Errorf("cancelled: got %s", got)
	}
}

// TestTheHelperEndsWithItsInput: it must not outlive who started it, however that ends. A service that it serves and a request
// that waits end with it.
func TestTheHelperEndsWithItsInput(t *testing.T) {
	t.Parallel()
	r := rawHelper(t)
	serve := fmt.Sprintf(`{"id":1,"verb":"serve","args":{"listen":%q,"data":%q,"token":{"id":"token","size":1}}}`, free(), filepath.Join(t.TempDir(), "d"))
	if got := r.asked(t, serve); got != `{"id":1}` {
		t.Errorf("got %s", got)
	}
	r.asked(t, `{"id":2,"verb":"watch","args":{"milliseconds":100},"endpoints":["http://127.0.0.1:1"]}`)
	_ = r.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(pace.Hang):
		t.Error("it goes on without its input")
	}
}

// BenchmarkQuestion asks a member how it is: at a glance, and the helper that runs.
func BenchmarkQuestion(b *testing.B) {
	url, peer := free(), free()
	cmd := exec.Command(programs.server, "--data-dir="+b.TempDir(), "--listen-client-urls="+url, "--advertise-client-urls="+url, "--log-level=error",
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := programs.helper.WaitHealthy(b.Context(), []string{url}, 1, func(etcd.Status) {}); err != nil {
		b.Fatal(err)
	}
	b.Run("glance", func(b *testing.B) {
		for b.Loop() {
			if status := programs.helper.Glance(b.Context(), []string{url}); len(status.Healthy()) != 1 {
				b.Fatalf("got %+v", status)
			}
		}
	})
	b.Run("status", func(b *testing.B) {
		for b.Loop() {
			if status, err := programs.helper.Status(b.Context(), []string{url}, time.Second); err != nil || len(status.Healthy()) != 1 {
				b.Fatalf("got %+v, %v", status, err)
			}
		}
	})
}
