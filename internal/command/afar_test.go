//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/hypervisor"
	"coreos-libvirt/internal/workspace/session"
)

// keysThere is a file of a test's host with public keys, in the place of the distributors': no test has their private ones.
const keysThere = "/root/keys.gpg"

// beThere is what a host does to which this program was sent, to fetch an image.
func beThere(is bool) int {
	if !is { // it is asked whether it runs there
		return 0
	}
	words := os.Args[2:]
	if _, err := os.Stat(keysThere); err == nil {
		words = append(words, "keyring="+keysThere)
	}
	r, err := New(words, os.Stdout)
	if err == nil {
		err = Fetched(context.Background(), r)
	}
	var status session.ExitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// imageServer serves an image to a host that has no other network.
type imageServer struct {
	*httptest.Server
	image []byte
	asked atomic.Int32
	stuck chan struct{} // closed when half the image has gone, and no more comes; nil: all comes
}

func (s *imageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	if s.stuck == nil {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(s.image)))
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(s.image)))
	_, _ = w.Write(s.image[:len(s.image)/2])
	_ = http.NewResponseController(w).Flush()
	close(s.stuck)
	<-r.Context().Done()
}

// sum is the image's sha256.
func (s *imageServer) sum() string {
	sum := sha256.Sum256(s.image)
	return hex.EncodeToString(sum[:])
}

// farHost is a clone whose nodes are on another host, which fetches their images from a server that only it reaches.
func farHost(t *testing.T) (*hypervisor.Host, *imageServer) {
	t.Helper()
	template, err := os.ReadFile("../../templates/domain.xml.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	h := hypervisor.Start(t, "hv1", "/var/cache/coreos-libvirt/lab-libvirt")
	inClone(t)
	save(t, "templates/domain.xml.tmpl", string(template))
	s := &imageServer{image: distributor.Qcow2(t, 8)}
	s.Server = httptest.NewUnstartedServer(s)
	s.Listener = h.Listen(t)
	s.Start()
	t.Cleanup(s.Close)
	for key, value := range map[string]string{"URI": h.URI, "FETCH": "host", "IMAGE": s.URL + "/tiny.qcow2", "SHA256": s.sum(), "ACCEL": "tcg", "NODES": "1"} {
		t.Setenv("COREOS_"+key, value)
	}
	return h, s
}

// TestImagesThatHostsFetch: with fetch=host the image comes to the pool of the host and not to this one. One whose fetching was cut off is
// never used, and a host without network says what to do.
func TestImagesThatHostsFetch(t *testing.T) {
	h, s := farHost(t)
	images := func() string {
		return strings.Join(strings.Fields(h.Run(t, "ls /var/lib/libvirt/images/coreos-libvirt-pool 2>/dev/null | grep ^base- || true; ls /var/lib/libvirt/images/coreos-libvirt | grep '[.]qcow2$' || true")), " ")
	}
	up := func(words ...string) (string, error) {
		r := run(t, words...)
		defer r.unlockAll()
		defer r.close()
		for _, stage := range []func(context.Context) error{r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define} {
			if err := stage(t.Context()); err != nil {
				return r.said(), err
			}
		}
		return r.said(), nil
	}
	if said, err := up("image=http://127.0.0.1:1/none.qcow2", "sha256="+s.sum()); err == nil || !strings.Contains(err.Error(), "hv1 has not fetched it: ") || !strings.Contains(err.Error(), "connection refused") ||
		!strings.HasSuffix(err.Error(), "\nhint: fetch=client fetches it here and uploads it") || images() != "" {
		t.Errorf("without network: got %v, %s\n%s", err, images(), said)
	}
	if _, err := up("keyring=keys.asc"); err == nil || !strings.HasPrefix(hint.Of(err, ""), "fetch=client ") {
		t.Errorf("keyring=: got %v", err)
	}
	s.stuck = make(chan struct{})
	go func() { <-s.stuck; h.Cut(t) }()
	if said, err := up(); err == nil || !strings.Contains(err.Error(), "the connection to hv1 ended") || strings.Contains(images(), ".whole") {
		t.Errorf("cut off: got %v, %s\n%s", err, images(), said)
	}
	s.stuck = nil
	s.CloseClientConnections()
	said, err := up()
	if err != nil || !strings.Contains(said, "hv1: fetching the image") || !strings.Contains(said, "hv1: image: ") {
		t.Fatalf("got %v\n%s", err, said)
	}
	if has := strings.Fields(images()); len(has) != 2 || !strings.HasPrefix(has[0], fmt.Sprintf("base-%.32s-", s.sum())) || has[1] != has[0]+".whole" {
		t.Errorf("there are %v", has)
	}
	if here, _ := filepath.Glob(filepath.Join(os.Getenv("COREOS_STORE"), "*.qcow2*")); len(here) > 0 { //nolint:forbidigo // as the test has set it
		t.Errorf("here are %v", here)
	}
	if xml := h.Run(t, "virsh dumpxml core01"); !strings.Contains(xml, "coreos-libvirt-pool/core01.") {
		t.Errorf("got %s", xml)
	}
	asked := s.asked.Load()
	if said, err := up(); err != nil || s.asked.Load() != asked || strings.Contains(said, "fetching") {
		t.Errorf("again: got %v, %d of %d requests\n%s", err, s.asked.Load(), asked, said)
	}
}
