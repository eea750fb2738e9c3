//go:build lab

package tests

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
)

// registryAddress is where the nodes of a lab find the registry.
const registryAddress = "10.77.0.2:5000"

// ownRegistry makes nodes pull from there what they would from quay.io.
const ownRegistry = `[[registry]]
prefix = "quay.io"
location = "` + registryAddress + `"
insecure = true
`

// serveRegistry serves, inside the clone's lab, a registry of container images with etcd's.
func serveRegistry(t *testing.T, c clone) {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	outside := httptest.NewServer(handler)
	t.Cleanup(outside.Close)
	pushEtcd(t, strings.TrimPrefix(outside.URL, "http://")+"/coreos/etcd:v3.6.16")
	inside := httptest.NewUnstartedServer(handler)
	inside.Listener = listenInLab(t, c, registryAddress)
	inside.Start()
	t.Cleanup(inside.Close)
}

// pushEtcd makes an image of the etcd that is in the guests, laid out as the project's own images are.
func pushEtcd(t *testing.T, reference string) {
	t.Helper()
	folder, archive := t.TempDir(), filepath.Join(t.TempDir(), "layer.tar")
	for _, command := range [][]string{
		{"install", "-D", guestimage.Etcd(cache), filepath.Join(folder, "usr/local/bin/etcd")},
		{"tar", "-C", folder, "-cf", archive, "usr"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	layer, err := tarball.LayerFromFile(archive)
	distributor.Must(t, err)
	image, err := mutate.AppendLayers(empty.Image, layer)
	distributor.Must(t, err)
	config, err := image.ConfigFile()
	distributor.Must(t, err)
	config.OS, config.Architecture = "linux", runtime.GOARCH
	image, err = mutate.ConfigFile(image, config)
	distributor.Must(t, err)
	tag, err := name.ParseReference(reference)
	distributor.Must(t, err)
	distributor.Must(t, remote.Write(tag, image, remote.WithTransport(http.DefaultTransport)))
}

// The main thread is kept for the main goroutine: unlike others it does not end with a goroutine that moved it into another
// namespace (runtime.LockOSThread), and labdown ends whatever process has its main thread in the lab.
func init() { runtime.LockOSThread() }

// listenInLab opens a socket of this process in the lab's network namespace, where it stays.
func listenInLab(t *testing.T, c clone, address string) net.Listener {
	t.Helper()
	holder := c.world().Command(context.Background(), "sh", "-c", "echo; exec sleep 60")
	entered, err := holder.StdoutPipe()
	distributor.Must(t, err)
	distributor.Must(t, holder.Start())
	_, err = entered.Read(make([]byte, 1))
	distributor.Must(t, err)
	defer func() { _ = holder.Process.Kill(); _ = holder.Wait() }()
	type opened struct {
		net.Listener
		err error
	}
	result := make(chan opened)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		space, err := os.Open("/proc/" + strconv.Itoa(holder.Process.Pid) + "/ns/net")
		if err == nil {
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
		}
		if err != nil {
			result <- opened{err: err}
			return
		}
		listener, err := net.Listen("tcp", address)
		result <- opened{listener, err}
	}()
	got := <-result
	distributor.Must(t, got.err)
	return got.Listener
}
