package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/image/distributor"
)

// shop is a workspace whose streams come from a server of the test's own.
type shop struct {
	*distributor.Server
	dir, store string
	env        []string
}

func newShop(t *testing.T) shop {
	t.Helper()
	d := distributor.New(t)
	s := shop{Server: d, dir: t.TempDir(), store: t.TempDir()}
	s.env = append(os.Environ(), "SSL_CERT_FILE="+d.Authority(t), "COREOS_STORE="+s.store,
		"COREOS_FCOS_URL="+d.URL, "COREOS_FLATCAR_URL="+d.URL, "COREOS_KEYRING="+distributor.Keyring(t, d.Key),
		"COREOS_URI=test:///default")
	for _, folder := range []string{"templates", "ignition"} {
		distributor.Must(t, os.CopyFS(filepath.Join(s.dir, folder), os.DirFS(filepath.Join("..", folder))))
	}
	return s
}

// mage runs targets in the workspace.
func (s shop) mage(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(built, "mage"), args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s shop) says(t *testing.T, want string, args ...string) {
	t.Helper()
	if out, err := s.mage(args...); err != nil || !strings.Contains(out, want) {
		t.Errorf("mage %s: want %q, got %v\n%s", strings.Join(args, " "), want, err, out)
	}
}

func TestFetchByTheCommandLine(t *testing.T) {
	s := newShop(t)
	file := "fcos-" + distributor.FCOSVersion + "-x86_64.qcow2"
	s.says(t, file+" fetched and verified", "fetch")
	s.says(t, file+" is in the store", "fetch", "image=fcos-stable@"+distributor.FCOSVersion)
	s.says(t, "flatcar-"+distributor.FlatcarVersion+"-x86_64.qcow2 fetched and verified", "fetch", "image=flatcar-beta")
	s.says(t, "fcos-stable    "+distributor.FCOSVersion, "images")

	// looked up once a day, and when it is asked for
	asked := s.Sent("/streams/stable.json")
	s.says(t, file+" is in the store", "fetch")
	if s.Sent("/streams/stable.json") != asked {
		t.Error("the stream was looked up again")
	}
	s.says(t, "fcos-stable is at", "fetch", "refresh=true")

	// a version later, the older one is told
	memory := filepath.Join(s.store, "streams", "fcos-stable-x86_64.json")
	data, err := os.ReadFile(memory)
	distributor.Must(t, err)
	yesterday := time.Now().Add(-25 * time.Hour)
	distributor.Must(t, os.WriteFile(memory, []byte(strings.ReplaceAll(string(data), distributor.FCOSVersion, "44.20260901.3.0")), 0o600))
	s.says(t, "44.20260901.3.0", "images")
	distributor.Must(t, os.WriteFile(memory, data, 0o600))

	// offline, with the image in the store
	distributor.Must(t, os.Chtimes(memory, yesterday, yesterday))
	s.Close()
	s.says(t, "could not look for one newer than "+distributor.FCOSVersion, "fetch")
	s.says(t, file+" is in the store", "fetch")
	if out, err := s.mage("fetch", "image=fcos-testing"); err == nil || strings.Count(out, "\nhint: ") != 1 {
		t.Errorf("offline, without an image: got %v\n%s", err, out)
	}

	s.says(t, file+" removed", "prune")
	s.says(t, "there is none", "images")
}

// TestAnImageThatReadsLess has a config newer than the image's Ignition.
func TestAnImageThatReadsLess(t *testing.T) {
	s := newShop(t)
	s.Files[filepath.Dir(distributor.FCOSPath)+"/commitmeta.json"] = []byte(`{"rpmostree.rpmdb.pkglist":[["ignition","0","2.20.0","1","x86_64"]]}`)
	config := filepath.Join(s.dir, "new.yml")
	distributor.Must(t, os.WriteFile(config, []byte("variant: fcos\nversion: 1.7.0\n"), 0o600))
	out, err := s.mage("define", "nodes=1", "config=new.yml")
	if err == nil || !strings.Contains(out, "has Ignition 2.20.0, which reads up to 3.5.0\nhint: ") {
		t.Errorf("got %v\n%s", err, out)
	}
}
