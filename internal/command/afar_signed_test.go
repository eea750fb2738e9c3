//go:build cgo && libvirt_dlopen

package command

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/hypervisor"
	"coreos-libvirt/internal/testkit/pace"
)

// signature is what each host asks for, whether it takes the image then or not.
const signature = distributor.FCOSPath + ".sig"

// farServer is the distributor as one host gets at it.
type farServer struct {
	*distributor.Server
	begun func()            // called when the signature is asked for
	mu    sync.Mutex        // of the rest
	other map[string][]byte // instead of what the distributor serves, by path
	asked int               // for the signature
}

func (s *farServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	other := s.other[r.URL.Path]
	if r.URL.Path == signature {
		s.asked++
	}
	s.mu.Unlock()
	if r.URL.Path == signature {
		s.begun()
	}
	if other != nil {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(other))
		return
	}
	s.Server.ServeHTTP(w, r)
}

// count is how often the signature was asked for.
func (s *farServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// together is a meeting of so many: none goes on before all have come, unless one never does. came are they.
func together(count int) (come func(), came func() int) {
	var mu sync.Mutex
	n, all := 0, make(chan struct{})
	come = func() {
		mu.Lock()
		if n++; n == count {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(pace.Hang):
		}
	}
	return come, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// farHosts are hosts whose nodes' images they fetch themselves, of a stream that the distributor's key has signed. Each has a way of its
// own to the distributor, and so has this process.
func farHosts(t *testing.T, begun func(), names ...string) (hosts []*hypervisor.Host, servers []*farServer) {
	t.Helper()
	template, err := os.ReadFile("../../templates/domain.xml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	uris := []string{}
	for _, name := range names {
		hosts = append(hosts, hypervisor.Start(t, name, "/var/cache/coreos-libvirt/lab-libvirt"))
		uris = append(uris, "qemu+ssh://root@"+name+"/system")
	}
	inClone(t)
	save(t, "templates/domain.xml.tmpl", string(template))
	d := distributor.New(t)
	here := httptest.NewServer(d)
	t.Cleanup(here.Close)
	_, file := distributor.Small(t)
	d.URL = here.URL // its documents name it
	d.FCOS(t, file)
	keys, err := os.ReadFile(distributor.Keyring(t, d.Key))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		s := &farServer{Server: d, begun: begun, other: map[string][]byte{}}
		server := &httptest.Server{Listener: h.ListenAt(t, here.Listener.Addr().String()), Config: &http.Server{Handler: s}}
		server.Start()
		t.Cleanup(server.Close)
		servers = append(servers, s)
		cmd := h.Command("tee", keysThere)
		cmd.Stdin = bytes.NewReader(keys)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Unsetenv("COREOS_URI"); err != nil { // inClone's, which is put back at the end
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"HOSTS": strings.Join(uris, ","), "FETCH": "host", "IMAGE": "fcos-stable", "FCOS_URL": here.URL, "SHA256": "", "ACCEL": "tcg", "NODES": fmt.Sprint(len(hosts)),
	} {
		t.Setenv("COREOS_"+key, value)
	}
	return hosts, servers
}

// aNode is a node's name.
var aNode = regexp.MustCompile(`core0\d`)

// TestHostsFetchASignedStream: several hosts fetch at once, and each verifies the signature itself. One that gets a signature
// of somebody else is named, with what is wrong; it keeps nothing of the image, and the others have their nodes. With the true one, it alone fetches.
func TestHostsFetchASignedStream(t *testing.T) {
	begun, came := together(3)
	hosts, servers := farHosts(t, begun, "hv1", "hv2", "hv3")
	_, file := distributor.Small(t)
	servers[1].other[signature] = distributor.Sign(t, distributor.NewKey(t, nil), file, nil)
	define := func() (string, error) {
		r := run(t)
		defer r.unlockAll()
		defer r.close()
		for _, stage := range []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Defined} {
			if err := stage(t.Context()); err != nil {
				return r.said(), err
			}
		}
		return r.said(), nil
	}
	// are is what each host has: its nodes, of which any may be on any host, and how many base images
	are := func(want ...string) (nodes []string) {
		t.Helper()
		for i, h := range hosts {
			has := h.Run(t, "virsh list --all --name; ls /var/lib/libvirt/images/coreos-libvirt-pool 2>/dev/null | grep -c '^base-.*[.]whole$' || true; find /var/lib/libvirt/images /tmp /var/tmp -name '*.part' -o -name 'fcos-*.qcow2' -size +0 -o -name 'coreos-libvirt.*'")
			nodes = append(nodes, aNode.FindAllString(has, -1)...)
			if has = aNode.ReplaceAllString(strings.Join(strings.Fields(has), " "), "a node"); has != want[i] {
				t.Errorf("%s has %q, want %q", h.Name, has, want[i])
			}
		}
		slices.Sort(nodes)
		return nodes
	}
	said, err := define()
	if err == nil || len(aNode.FindAllString(err.Error(), -1)) != 1 || !strings.Contains(err.Error(), "hv2 has not fetched it: ") || strings.Contains(err.Error(), "hv1") || strings.Contains(err.Error(), "hv3") ||
		!strings.HasSuffix(err.Error(), "\nhint: fetch=client fetches it here and uploads it") {
		t.Errorf("a signature of somebody else: got %v\n%s", err, said)
	}
	if came() < 3 || !strings.Contains(said, "hv1: fetching the image fcos-stable@"+distributor.FCOSVersion+" there") || !strings.Contains(said, "hv3: fetching") {
		t.Errorf("they did not fetch at once: %d have begun\n%s", came(), said)
	}
	if n := servers[1].count(); n != 1 {
		t.Errorf("the one that failed was asked %d times", n)
	}
	r := run(t)
	if err := Fetched(t.Context(), r); err == nil || !strings.Contains(err.Error(), "hv2 has not fetched it: ") || strings.Contains(err.Error(), "hv1") {
		t.Errorf("mage fetch: got %v\n%s", err, r.said())
	}
	r.close()
	are("a node 1", "0", "a node 1")

	servers[1].mu.Lock()
	delete(servers[1].other, signature)
	servers[1].mu.Unlock()
	before := []int{servers[0].count(), servers[2].count()}
	if said, err := define(); err != nil || strings.Contains(said, "hv1: fetching") || !strings.Contains(said, "hv2: fetching") {
		t.Errorf("the true signature: got %v\n%s", err, said)
	}
	if after := []int{servers[0].count(), servers[2].count()}; !slices.Equal(before, after) {
		t.Errorf("the others fetched again: %v, and before %v", after, before)
	}
	if nodes := are("a node 1", "a node 1", "a node 1"); !slices.Equal(nodes, []string{"core01", "core02", "core03"}) {
		t.Errorf("there are %v", nodes)
	}
	if here, _ := filepath.Glob(filepath.Join(os.Getenv("COREOS_STORE"), "*.qcow2*")); len(here) > 0 { //nolint:forbidigo // as the test has set it
		t.Errorf("here are %v", here)
	}
}
