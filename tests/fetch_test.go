package tests

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
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
	s.says(t, "flatcar-"+distributor.FlatcarVersion+"-x86_64.qcow2 fetched and verified", "fetch", "image=flatcar-stable")
	s.says(t, "fcos-stable      "+distributor.FCOSVersion, "images")

	// looked up once a day, and when it is asked for
	asked := s.Sent("/streams/stable.json")
	s.says(t, file+" is in the store", "fetch")
	if s.Sent("/streams/stable.json") != asked {
		t.Error("the stream was looked up again")
	}
	s.says(t, "fcos-stable is at", "fetch", "refresh=true")

	// a version later, the older one is told; an earlier one is none that is newer
	s.remembers(t, "version", "44.20260110.3.0")
	s.says(t, "44.20260110.3.0", "images")
	s.remembers(t, "version", "9.20260901.3.0")
	if out, err := s.mage("images"); err != nil || strings.Contains(out, "9.20260901.3.0") {
		t.Errorf("got %v\n%s", err, out)
	}
	s.remembers(t, "version", distributor.FCOSVersion)

	// offline, with the image in the store
	s.remembers(t, "asked", time.Now().Add(-25*time.Hour).Format(time.RFC3339))
	s.Close()
	s.says(t, "could not look for one newer than "+distributor.FCOSVersion, "fetch")
	s.says(t, file+" is in the store", "fetch")
	s.says(t, "fcos-stable did not answer at", "fetch") // and is not asked again at once
	s.says(t, "could not look for one newer than "+distributor.FCOSVersion, "fetch", "refresh=true")
	if out, err := s.mage("fetch", "image=fcos-testing"); err == nil || strings.Count(out, "\nhint: ") != 1 {
		t.Errorf("offline, without an image: got %v\n%s", err, out)
	}

	s.says(t, file+" removed", "prune")
	s.says(t, "there is none", "images")
}

// remembers changes what is remembered of fcos-stable.
func (s shop) remembers(t *testing.T, key, value string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.store, "streams", "fcos-stable-x86_64*.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("got %v, %v", paths, err)
	}
	data, err := os.ReadFile(paths[0])
	distributor.Must(t, err)
	memory := map[string]any{}
	distributor.Must(t, json.Unmarshal(data, &memory))
	memory[key] = value
	data, err = json.Marshal(memory)
	distributor.Must(t, err)
	distributor.Must(t, os.WriteFile(paths[0], data, 0o600))
}

// refuses runs a target, which is to fail with the text, a hint, and nothing at the image's path.
func (s shop) refuses(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := s.mage(args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 0 || !strings.Contains(out, want) {
		t.Errorf("mage %s: want %q, got %v\n%s", strings.Join(args, " "), want, err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(s.store, "*")); len(left) > 0 {
		for _, path := range left {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				t.Errorf("mage %s left %s", strings.Join(args, " "), path)
			}
		}
	}
}

// TestFaultsByTheCommandLine has a server that is out of order, and each time good again for the next run, on
// the same day and with the same store.
func TestFaultsByTheCommandLine(t *testing.T) {
	s := newShop(t)
	image, signature, document := s.Files[distributor.FCOSPath], s.Files[distributor.FCOSPath+".sig"], s.Files["/streams/stable.json"]
	flip := func(data []byte) []byte {
		other := bytes.Clone(data)
		other[len(other)-8] ^= 1
		return other
	}
	digest := fmt.Appendf(nil, "%x", sha256.Sum256(image))
	for name, c := range map[string]struct {
		path string
		data []byte
		want string
	}{
		"a flipped byte in the image":     {distributor.FCOSPath, flip(image), "cannot unpack"},
		"a flipped byte in the signature": {distributor.FCOSPath + ".sig", flip(signature), "the signature does not hold"},
		"another's signature":             {distributor.FCOSPath + ".sig", distributor.Sign(t, distributor.NewKey(t, nil), image, nil), "not trusted"},
		"no image":                        {distributor.FCOSPath, nil, "404 Not Found"},
		"no metadata":                     {"/streams/stable.json", []byte("<html>"), "no metadata as they should be"},
		"metadata with another digest":    {"/streams/stable.json", bytes.ReplaceAll(document, digest, bytes.Repeat([]byte("a"), 64)), "has the sha256"},
		"metadata without one":            {"/streams/stable.json", bytes.ReplaceAll(document, digest, nil), "have no digest of it"},
	} {
		good := s.Files[c.path]
		s.Files[c.path] = c.data
		if c.data == nil {
			delete(s.Files, c.path)
		}
		t.Run(name, func(t *testing.T) { s.refuses(t, c.want, "fetch") })
		s.Files[c.path] = good
	}
	s.says(t, "fetched and verified", "fetch")
}

// newer lets the server's stream be at a later version, with the same image.
func (s shop) newer(version string) {
	for _, path := range []string{distributor.FCOSPath, distributor.FCOSPath + ".sig", filepath.Dir(distributor.FCOSPath) + "/commitmeta.json"} {
		s.Files[strings.ReplaceAll(path, distributor.FCOSVersion, version)] = s.Files[path]
	}
	s.Files["/streams/stable.json"] = bytes.ReplaceAll(s.Files["/streams/stable.json"], []byte(distributor.FCOSVersion), []byte(version))
}

// TestOfflineWithAnOlderImage has a store with an image of the stream, but not of the version that it was last
// looked up as.
func TestOfflineWithAnOlderImage(t *testing.T) {
	s := newShop(t)
	file := "fcos-" + distributor.FCOSVersion + "-x86_64.qcow2"
	s.says(t, "fetched and verified", "fetch")
	const version = "44.20260110.3.0"
	s.newer(version)
	broken := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	s.Serve[strings.ReplaceAll(distributor.FCOSPath, distributor.FCOSVersion, version)] = broken
	out, err := s.mage("fetch", "refresh=true")
	if err != nil || !strings.Contains(out, "could not fetch "+version+", "+distributor.FCOSVersion+" serves") || !strings.Contains(out, file+" is in the store") {
		t.Errorf("a server of images that is out of order: got %v\n%s", err, out)
	}
	s.Serve["/streams/stable.json"] = broken
	s.says(t, "could not look for one newer than "+distributor.FCOSVersion, "fetch")
	s.says(t, file+" is in the store", "fetch")
	if out, err := s.mage("fetch", "image=fcos-stable@"+version); err == nil {
		t.Errorf("another version than the one that was named serves\n%s", out)
	}
	clear(s.Serve)
	s.Files[strings.ReplaceAll(distributor.FCOSPath, distributor.FCOSVersion, version)+".sig"] = []byte("none")
	if out, err := s.mage("fetch", "refresh=true"); err == nil {
		t.Errorf("a signature that does not hold must stop everything\n%s", out)
	}
}

// TestAMirror has a server with all of Fedora's files: the documents name Fedora's own server.
func TestAMirror(t *testing.T) {
	s := newShop(t)
	s.Files["/streams/stable.json"] = bytes.ReplaceAll(s.Files["/streams/stable.json"], []byte(s.URL), []byte(stream.FCOSServer))
	s.says(t, "fetched and verified", "fetch")
	if got, want := s.Sent(distributor.FCOSPath), len(s.Files[distributor.FCOSPath]); got != want {
		t.Errorf("the mirror sent %d bytes of %d", got, want)
	}
}

// TestPlanAndStatusAskNobody has a server that counts, and a store whose every file's time is known.
func TestPlanAndStatusAskNobody(t *testing.T) {
	s := newShop(t)
	config := filepath.Join(s.dir, "plain.yml")
	distributor.Must(t, os.WriteFile(config, []byte("variant: fcos\nversion: 1.5.0\n"), 0o600))
	looks := func(when string) {
		t.Helper()
		for _, target := range []string{"plan", "status"} {
			before := tree(t, s.store)
			out, err := s.mage(target, "nodes=1", "config=plain.yml", "refresh=true")
			if err != nil && !strings.Contains(out, "core01   create   new") {
				t.Errorf("%s, %s: %v\n%s", when, target, err, out)
			}
			if after := tree(t, s.store); after != before {
				t.Errorf("%s, %s: the store was\n%s\nand is\n%s", when, target, before, after)
			}
		}
	}
	looks("nothing there")
	if got := s.Sent("/streams/stable.json"); got > 0 {
		t.Errorf("the server was asked: %d bytes", got)
	}
	s.says(t, "fetched and verified", "fetch")
	sent := s.Sent("/streams/stable.json")
	s.remembers(t, "asked", time.Now().Add(-25*time.Hour).Format(time.RFC3339))
	looks("looked up yesterday")
	if s.Sent("/streams/stable.json") != sent {
		t.Error("the server was asked again")
	}
}

// tree are the files below the folder, with their times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	distributor.Must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		info, _ := entry.Info()
		fmt.Fprintln(&all, path, info.Size(), info.ModTime())
		return err
	}))
	return all.String()
}

// TestImagesLooksOnceADay has a stream that goes on while nobody fetches.
func TestImagesLooksOnceADay(t *testing.T) {
	s := newShop(t)
	s.says(t, "fetched and verified", "fetch")
	s.newer("44.20260110.3.0")
	if out, err := s.mage("images"); err != nil || strings.Contains(out, "44.20260110.3.0") {
		t.Errorf("it was looked up a moment ago: got %v\n%s", err, out)
	}
	s.remembers(t, "asked", time.Now().Add(-25*time.Hour).Format(time.RFC3339))
	s.says(t, "44.20260110.3.0", "images")
	asked := s.Sent("/streams/stable.json")
	s.says(t, "44.20260110.3.0", "images")
	if s.Sent("/streams/stable.json") != asked {
		t.Error("the stream was looked up again")
	}
	s.says(t, "fcos-44.20260110.3.0-x86_64.qcow2 fetched and verified", "fetch")
}

// TestAURLWithSecrets has a link that was made for one person.
func TestAURLWithSecrets(t *testing.T) {
	s := newShop(t)
	file := s.Files[distributor.FCOSPath]
	s.Files["/my.qcow2.xz"] = file
	link := strings.Replace(s.URL, "https://", "https://me:geheim@", 1) + "/my.qcow2.xz?token=geheim.x"
	out, err := s.mage("fetch", "image="+link, fmt.Sprintf("sha256=%x", sha256.Sum256(file)))
	if err != nil || !strings.Contains(out, "fetched and verified") || strings.Contains(out, "geheim") {
		t.Errorf("got %v\n%s", err, out)
	}
	records, _ := filepath.Glob(filepath.Join(s.store, "my-*.qcow2.json"))
	if len(records) != 1 {
		t.Fatalf("got %v", records)
	}
	record, err := os.ReadFile(records[0])
	distributor.Must(t, err)
	if strings.Contains(string(record), "geheim") || !strings.Contains(string(record), "/my.qcow2.xz") {
		t.Errorf("the record is %s", record)
	}
}

// TestAnImageWithoutItsRecord has a file of the image's name that nobody fetched.
func TestAnImageWithoutItsRecord(t *testing.T) {
	s := newShop(t)
	path := filepath.Join(s.store, "fcos-"+distributor.FCOSVersion+"-x86_64.qcow2")
	distributor.Must(t, os.WriteFile(path, s.Image, 0o600))
	for _, image := range []string{"fcos-stable", "fcos-stable@" + distributor.FCOSVersion} {
		if out, err := s.mage("fetch", "image="+image); err == nil || !strings.Contains(out, "it is not trusted\nhint: `") || !strings.Contains(out, " prune` removes it") {
			t.Errorf("%s: got %v\n%s", image, err, out)
		}
	}
	s.says(t, "removed", "prune")
	s.says(t, "fetched and verified", "fetch")
}

// TestFetchNeedsLittleMemory: the peak does not grow with the image.
func TestFetchNeedsLittleMemory(t *testing.T) {
	s := newShop(t)
	for _, mib := range []int{16, 96} {
		file := distributor.Packed(t, distributor.Qcow2(t, mib), "xz", "-T0", "-0")
		s.Files["/my.qcow2.xz"] = file
		cmd := exec.Command(filepath.Join(built, "mage"), "fetch", "image="+s.URL+"/my.qcow2.xz", fmt.Sprintf("sha256=%x", sha256.Sum256(file)))
		cmd.Dir, cmd.Env = s.dir, append(slices.Clone(s.env), "COREOS_STORE="+t.TempDir())
		peak := peakOf(t, cmd)
		t.Logf("an image of %d MiB: %d MiB", mib, peak>>10)
		if peak > 150<<10 || peak == 0 {
			t.Errorf("an image of %d MiB took %d MiB of memory", mib, peak>>10)
		}
	}
}

// TestFetchWithoutXZ says which package brings it, and keeps nothing.
func TestFetchWithoutXZ(t *testing.T) {
	s := newShop(t)
	s.env = append(s.env, "PATH="+only(t, "qemu-img"))
	out, err := s.mage("fetch", "image=fcos-stable")
	if err == nil || !strings.Contains(out, "the program xz is missing\nhint: install it: apt-get install xz-utils") {
		t.Errorf("got %v\n%s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(s.store, "*.qcow2*")); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// peakOf is the most memory in KiB that the program has had, as Linux tells it while it runs. What wait4(2) tells
// counts this process, too, as the program was it before it was itself.
func peakOf(t *testing.T, cmd *exec.Cmd) (peak int) {
	t.Helper()
	distributor.Must(t, cmd.Start())
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			distributor.Must(t, err)
			return peak
		case <-time.After(5 * time.Millisecond):
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
				_, _ = fmt.Sscan(after, &peak)
			}
		}
	}
}

// only is a folder with no other program.
func only(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	path, err := exec.LookPath(name)
	distributor.Must(t, errors.Join(err, os.Symlink(path, filepath.Join(dir, name))))
	return dir
}

// openDir is a folder that everybody may enter, with the targets.
func openDir(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	dir, err := os.MkdirTemp("", "coreos-libvirt-user-")
	distributor.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile(filepath.Join(built, "mage"))
	distributor.Must(t, errors.Join(err, os.WriteFile(filepath.Join(dir, "mage"), program, 0o755), os.Chmod(dir, 0o755)))
	return dir
}

// asNobody runs targets there as a user who is not root.
func asNobody(dir string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(dir, "mage"), args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/sbin:/usr/bin:/bin", "HOME=" + filepath.Join(dir, "home")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTheLabsImageOfAUser who is not root: it is root's, or the hint says how root makes it.
func TestTheLabsImageOfAUser(t *testing.T) {
	out, err := asNobody(openDir(t), "fetch", "image=lab")
	path, there := guestimage.Path("/var/cache/coreos-libvirt", guestimage.Lab)
	want := "is made as root\nhint: sudo env PATH=\"$PATH\" go run magefile.go fetch image=lab\n"
	if there {
		want = filepath.Base(path) + " is in the store"
	}
	if (err == nil) != there || !strings.Contains(out, want) {
		t.Errorf("want %q, got %v\n%s", want, err, out)
	}
}

// TestRootsStoreOfAUser who may read it, and no more.
func TestRootsStoreOfAUser(t *testing.T) {
	dir := openDir(t)
	s := newShop(t)
	image := "image=fcos-stable@" + distributor.FCOSVersion
	s.says(t, "fetched and verified", "fetch", image, "store="+dir+"/store")
	if out, err := asNobody(dir, "fetch", image, "store="+dir+"/store"); err != nil || !strings.Contains(out, "is in the store") {
		t.Errorf("got %v\n%s", err, out)
	}
	distributor.Must(t, os.CopyFS(filepath.Join(dir, "templates"), os.DirFS(filepath.Join("..", "templates"))))
	distributor.Must(t, os.WriteFile(filepath.Join(dir, "plain.yml"), []byte("variant: fcos\nversion: 1.5.0\n"), 0o644))
	distributor.Must(t, errors.Join(os.Mkdir(filepath.Join(dir, "vm"), 0o700), os.Chown(filepath.Join(dir, "vm"), 65534, 65534)))
	out, err := asNobody(dir, "define", image, "store="+dir+"/store", "config=plain.yml", "uri=test:///default", "nodes=1", "ready=off")
	if err == nil || !strings.Contains(out, "permission denied\nhint: store= names a folder of your own") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestIgnitionOfAnImageIsNotKnown has a distributor whose list of packages is missing for a while.
func TestIgnitionOfAnImageIsNotKnown(t *testing.T) {
	s := newShop(t)
	list := filepath.Dir(distributor.FCOSPath) + "/commitmeta.json"
	known := s.Files[list]
	delete(s.Files, list)
	s.says(t, "the version of Ignition in "+distributor.FCOSVersion+" is not known, the config is not checked against it", "fetch")
	s.Files[list] = known
	s.says(t, "fcos-stable is at", "fetch") // it is asked again, not remembered
	if out, err := s.mage("fetch"); err != nil || strings.Contains(out, "fcos-stable is at") {
		t.Errorf("now it is known: got %v\n%s", err, out)
	}
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
