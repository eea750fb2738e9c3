package etcd_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// v3Keys is what the token's keys begin with.
const v3Keys = "/_etcd/registry/token/"

// served is a service that knows "token", for three members.
func served(t *testing.T) (listen, data string) {
	t.Helper()
	listen, data = free(), filepath.Join(t.TempDir(), "d")
	server, err := programs.helper.Serve(untilItHangs(t), serviceOf(listen, data, 3), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return listen, data
}

func clientOf(t *testing.T, listen string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{listen}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// refusals does each thing, which the service refuses in those words.
func refusals(t *testing.T, want string, each map[string]func(context.Context) error) {
	t.Helper()
	ctx := untilItHangs(t)
	for what, do := range each {
		if err := do(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// TestOnlyDiscoveryIsServed looks at what else somebody on the network could do with the service by gRPC, who knows the token.
func TestOnlyDiscoveryIsServed(t *testing.T) {
	t.Parallel()
	listen, _ := served(t)
	client := clientOf(t, listen)
	get := func(key string, options ...clientv3.OpOption) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.Get(ctx, key, options...); return err }
	}
	put := func(key, value string, options ...clientv3.OpOption) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.Put(ctx, key, value, options...); return err }
	}
	refusals(t, "and nothing else", map[string]func(context.Context) error{
		"a put elsewhere":         put("mine", "x"),
		"another size":            put(v3Keys+"_config/size", "1"),
		"a key below a member's":  put(v3Keys+"members/1/2", "core01=http://127.0.0.1:1"),
		"a key that is no id":     put(v3Keys+"members/mine", "core01=http://127.0.0.1:1"),
		"a member with a lease":   put(v3Keys+"members/1", "core01=http://127.0.0.1:1", clientv3.WithLease(1)),
		"a member of another":     put("/_etcd/registry/other/members/1", "core01=http://127.0.0.1:1"),
		"a get elsewhere":         get("", clientv3.WithPrefix()),
		"a get of all":            get("/_etcd/registry/", clientv3.WithFromKey()),
		"a get of all tokens":     get("/_etcd/registry/", clientv3.WithPrefix()),
		"a get of all from here":  get(v3Keys, clientv3.WithFromKey()),
		"a get of another's size": get("/_etcd/registry/other/_config/size"),
		"a delete":                func(ctx context.Context) error { _, err := client.Delete(ctx, v3Keys+"_config/size"); return err },
		"the members":             func(ctx context.Context) error { _, err := client.MemberList(ctx); return err },
		"a lease":                 func(ctx context.Context) error { _, err := client.Grant(ctx, 10); return err },
		"authentication":          func(ctx context.Context) error { _, err := client.AuthStatus(ctx); return err },
		"a snapshot": func(ctx context.Context) error {
			r, err := client.Snapshot(ctx)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			return err
		},
		"a watch of all tokens": func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, pace.Hang)
			defer cancel()
			answer := <-client.Watch(ctx, "/_etcd/registry/", clientv3.WithPrefix())
			return answer.Err()
		},
		"a token of one's own": func(ctx context.Context) error {
			_, err := client.Txn(ctx).Then(clientv3.OpPut("/_etcd/registry/mine/_config/size", "1")).Commit()
			return err
		},
		"a delete in a txn": func(ctx context.Context) error {
			_, err := client.Txn(ctx).Then(clientv3.OpDelete(v3Keys + "_config/size")).Commit()
			return err
		},
		"defragmenting": func(ctx context.Context) error { _, err := client.Defragment(ctx, listen); return err },
		"compaction":    func(ctx context.Context) error { _, err := client.Compact(ctx, 1); return err },
	})
	if answer, err := client.Get(t.Context(), v3Keys+"_config/size"); err != nil || string(answer.Kvs[0].Value) != "3" {
		t.Errorf("what discovery needs: got %v", err)
	}
}

// TestAMemberRegistersItselfAndOnce: what is there stays, no more than the token's size come, and nobody registers another.
func TestAMemberRegistersItselfAndOnce(t *testing.T) {
	t.Parallel()
	listen, data := served(t)
	client, ctx, began := clientOf(t, listen), untilItHangs(t), bytesBelow(t, data)
	put := func(id, value string) func(context.Context) error {
		return func(ctx context.Context) error { _, err := client.Put(ctx, v3Keys+"members/"+id, value); return err }
	}
	refusals(t, "own address", map[string]func(context.Context) error{
		"another's address": put("a", "core01=http://10.77.0.11:2380"),
	})
	refusals(t, "not", map[string]func(context.Context) error{
		"no URL":        put("a", "core01"),
		"a file":        put("a", "core01=file:///etc"),
		"a unit's line": put("a", "core01=http://127.0.0.1:1\nExecStart=/x"),
		"a name":        put("a", "a b=http://127.0.0.1:1"),
	})
	refusals(t, "at most 1024 bytes", map[string]func(context.Context) error{"a long one": put("a", strings.Repeat("x", 1025))})
	refusals(t, "larger than max", map[string]func(context.Context) error{"a very long one": put("a", strings.Repeat("x", 5<<10))})
	for i, id := range []string{"a", "b", "c"} {
		value := fmt.Sprintf("core%02d=http://127.0.0.1:%d", i+1, i+1)
		for _, again := range []string{"", "again, as after a restart"} {
			if err := put(id, value)(ctx); err != nil {
				t.Fatalf("%s %s: %v", id, again, err)
			}
		}
	}
	refusals(t, "there already", map[string]func(context.Context) error{"another value": put("a", "evil=http://127.0.0.1:9")})
	refusals(t, "all members have registered", map[string]func(context.Context) error{"a fourth": put("d", "evil=http://127.0.0.1:9")})
	answer, err := client.Get(ctx, v3Keys+"members/", clientv3.WithPrefix())
	if err != nil || len(answer.Kvs) != 3 || string(answer.Kvs[0].Value) != "core01=http://127.0.0.1:1" || answer.Kvs[0].Version != 1 {
		t.Errorf("got %+v, %v", answer, err)
	}
	if grown := bytesBelow(t, data) - began; grown > 1<<20 {
		t.Errorf("%d bytes of three members", grown)
	}
}

func bytesBelow(t *testing.T, dir string) (size int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestOldDiscoveryIsAsClosed is the same of the HTTP of v2 discovery.
func TestOldDiscoveryIsAsClosed(t *testing.T) {
	t.Parallel()
	listen, data := served(t)
	const form = "application/x-www-form-urlencoded"
	began := bytesBelow(t, data)
	token := "/v2/keys/discovery/token"
	good := "value=core01%3Dhttp%3A%2F%2F127.0.0.1%3A1"
	spool := os.TempDir()
	before, _ := filepath.Glob(filepath.Join(spool, "multipart-*"))
	for _, c := range []struct {
		what, method, path, kind, body string
		want                           int
	}{
		{"a new token", "GET", "/new?size=3", "", "", 404},
		{"another token's size", "GET", "/v2/keys/discovery/other/_config/size", "", "", 404},
		{"all tokens", "GET", "/v2/keys/discovery/?recursive=true", "", "", 404},
		{"all tokens, in another way", "GET", token + "/../?recursive=true", "", "", 404},
		{"a watch of all tokens", "GET", "/v2/keys/discovery?wait=true&recursive=true", "", "", 404},
		{"v3 by JSON", "POST", "/v3/kv/range", "", "{}", 404},
		{"metrics", "GET", "/metrics", "", "", 404},
		{"health", "GET", "/health", "", "", 404},
		{"debugging", "GET", "/debug/vars", "", "", 404},
		{"version", "GET", "/version", "", "", 404},
		{"a member of another token", "PUT", "/v2/keys/discovery/other/a", form, good, 404},
		{"another size", "PUT", token + "/_config/size", form, "value=1", 405},
		{"a deep key", "PUT", token + "/a/b", form, good, 405},
		{"no id", "PUT", token + "/mine", form, good, 405},
		{"a delete", "DELETE", token + "/a", "", "", 405},
		{"no type", "PUT", token + "/a", "", good, 415},
		{"more than 4 KiB", "PUT", token + "/a", form, "value=" + strings.Repeat("x", 4<<10), 413},
		{"more than 1 KiB", "PUT", token + "/a", form, "value=" + strings.Repeat("x", 2<<10), 403},
		{"another's address", "PUT", token + "/a", form, "value=core01%3Dhttp%3A%2F%2F10.77.0.11%3A1", 403},
		{"a line of a unit", "PUT", token + "/a", form, good + "%0AExecStart%3D%2Fx", 403},
		{"a value in the query", "PUT", token + "/a?" + good, form, "", 403},
		{"a member", "PUT", token + "/a?prevExist=false", form, good, 201},
		{"the same again", "PUT", token + "/a?prevExist=false", form, good, 412},
		{"over it", "PUT", token + "/a?prevExist=true", form, "value=evil%3Dhttp%3A%2F%2F127.0.0.1%3A1", 412},
		{"the second", "PUT", token + "/b", form, good, 201},
		{"the third", "PUT", token + "/c", form, good, 201},
		{"the fourth", "PUT", token + "/d", form, good, 403},
		{"the size", "GET", token + "/_config/size", "", "", 200},
		{"the members", "GET", token + "/", "", "", 200},
	} {
		if got := answerTo(t, c.method, listen+c.path, c.kind, strings.NewReader(c.body)); got != c.want {
			t.Errorf("%s: got %d", c.what, got)
		}
	}
	body, kind := multiparts(t)
	if got := answerTo(t, "PUT", listen+token+"/e", kind, body); got != http.StatusUnsupportedMediaType {
		t.Errorf("many parts: got %d", got)
	}
	if after, _ := filepath.Glob(filepath.Join(spool, "multipart-*")); len(after) > len(before) {
		t.Errorf("the service spooled a body: %s", after)
	}
	if grown := bytesBelow(t, data) - began; grown > 1<<20 {
		t.Errorf("%d bytes of three members", grown)
	}
}

// multiparts is a body that Go would write to a file.
func multiparts(t *testing.T) (io.Reader, string) {
	t.Helper()
	body := &bytes.Buffer{}
	w := multipart.NewWriter(body)
	part, err := w.CreateFormFile("value", "x")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 40<<20))
	_ = w.Close()
	return body, w.FormDataContentType()
}

// answerTo is the status of the answer to a request.
func answerTo(t *testing.T, method, url, kind string, body io.Reader) int {
	t.Helper()
	request, err := http.NewRequestWithContext(untilItHangs(t), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Expect", "100-continue")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// TestNobodyFillsTheService: one caller has a few connections, and what it sends before a body is short.
func TestNobodyFillsTheService(t *testing.T) {
	t.Parallel()
	listen, _ := served(t)
	at := strings.TrimPrefix(listen, "http://")
	const each = 16
	open := []net.Conn{}
	for i := range 2 * each {
		conn, status := asks(t, at, "")
		defer func() { _ = conn.Close() }()
		if want := i < each; (status == "404") != want {
			t.Fatalf("connection %d: got %q", i, status)
		}
		open = append(open, conn)
	}
	_ = open[0].Close()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) { // until the service sees that
		conn, status := asks(t, at, "")
		_ = conn.Close()
		if status == "404" {
			break
		}
		if time.Since(begin) > pace.Hang {
			t.Fatal("no connection is let in again")
		}
	}
	_ = open[1].Close()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		conn, status := asks(t, at, "X-Long: "+strings.Repeat("x", 64<<10)+"\r\n")
		_ = conn.Close()
		if status == "431" {
			break
		}
		if status == "404" || time.Since(begin) > pace.Hang {
			t.Fatalf("long headers: got %q", status)
		}
	}
}

// asks sends a request with those headers, and gives the status of the answer; empty if there is none.
func asks(t *testing.T, at, headers string) (net.Conn, string) {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(pace.Hang))
	_, _ = io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: a\r\n"+headers+"\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	if fields := strings.Fields(line); len(fields) > 1 {
		return conn, fields[1]
	}
	return conn, ""
}

// liar is not etcd, but answers as a healthy member that leads, with these others.
func liar(t *testing.T, others string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]string{"/v3/maintenance/status": `{"header":{"member_id":"1"},"leader":"1","version":"3.6.16"}`, "/v3/cluster/member/list": others}[r.URL.Path]
		_, _ = io.WriteString(w, cmp.Or(answer, "{}"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestAtAGlanceMembersAreCompared: if they tell of different members, the helper asks on.
func TestAtAGlanceMembersAreCompared(t *testing.T) {
	t.Parallel()
	const one, two = `{"members":[{"ID":"1","name":"core01","peerURLs":["http://10.0.0.1:2380"]}]}`,
		`{"members":[{"ID":"1","name":"core01","peerURLs":["http://10.0.0.1:2380"]},{"ID":"255","name":"evil\n","peerURLs":["http://10.0.0.9:2380"]}]}`
	ctx := untilItHangs(t)
	status := programs.helper.Glance(ctx, []string{liar(t, one), liar(t, two)})
	if len(status.Healthy()) > 0 || len(status.Peers) > 0 || !strings.Contains(status.Members[0].Error, "the members do not agree") {
		t.Errorf("one lies: got %+v", status)
	}
	status = programs.helper.Glance(ctx, []string{liar(t, two), liar(t, two)})
	if len(status.Healthy()) != 2 || len(status.Peers) != 2 || status.Peers[1].ID != "ff" || status.Peers[1].Name != `"evil\n"` {
		t.Errorf("they agree: got %+v", status)
	}
}
