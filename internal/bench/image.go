package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ImageMiB is the size of the image that is fetched. As .xz it has three quarters of that.
const ImageMiB = 256

// makeImage is a script of sh: an image of so many MiB that compress to three quarters, packed in blocks, as the distributors' are,
// and signed by a key of its own.
const makeImage = `mkdir -p server && cd server
head -c %[1]dM /dev/urandom | base64 -w0 | head -c %[1]dM >raw; truncate -s 1G raw
qemu-img convert -O qcow2 raw image.qcow2; rm raw
xz -T0 -0 --block-size=16MiB image.qcow2
export GNUPGHOME=$(mktemp -d)
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
gpg --batch -q --passphrase '' --quick-gen-key bench@example.org ed25519 sign never
gpg --batch -q --detach-sign image.qcow2.xz
gpg --export >../keys.gpg`

// ServeImage makes an image of the size in the folder and serves it on this machine as Fedora CoreOS' stable stream, until the server is
// closed.
func (s *Subject) ServeImage(ctx context.Context, folder string, mib int) (io.Closer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(filepath.Join(folder, "server"))), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	s.Server = "http://" + listener.Addr().String()
	_, err = run(ctx, folder, fmt.Sprintf(makeImage, mib))
	if err == nil {
		err = writeStream(filepath.Join(folder, "server"), s.Server)
	}
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// writeStream writes what Fedora serves about an image (https://docs.fedoraproject.org/en-US/fedora-coreos/stream-metadata/), and its
// digest for sha256sum.
func writeStream(dir, url string) error {
	sum, err := digest(filepath.Join(dir, "image.qcow2.xz"))
	if err != nil {
		return err
	}
	arch := architecture()
	version := "43." + time.Now().UTC().Format("20060102") + ".3.0"
	stream := fmt.Sprintf(`{"stream":"stable","architectures":{%q:{"artifacts":{"qemu":{"release":%q,"formats":{"qcow2.xz":{"disk":{
"location":"%[3]s/image.qcow2.xz","signature":"%[3]s/image.qcow2.xz.sig","sha256":%[4]q}}}}}}}}`, arch, version, url, sum)
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "streams"), 0o755),
		os.WriteFile(filepath.Join(dir, "commitmeta.json"), []byte(`{"rpmostree.rpmdb.pkglist":[["ignition","0","2.26.0","1.fc43","x86_64"]]}`), 0o644),
		os.WriteFile(filepath.Join(dir, "streams", "stable.json"), []byte(stream), 0o644),
		os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sum+"  image.qcow2.xz\n"), 0o644),
	)
}

// architecture is this machine's, as Fedora names it.
func architecture() string {
	return strings.NewReplacer("amd64", "x86_64", "arm64", "aarch64").Replace(runtime.GOARCH)
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// fetch is the comparison of one signed image from a server of this machine.
func (s Subject) fetch() Case {
	const settings = `COREOS_IMAGE=fcos-stable COREOS_STORE="$PWD/store" COREOS_KEYRING="$PWD/keys.gpg" COREOS_FCOS_URL=`
	hand := fmt.Sprintf("for f in image.qcow2.xz image.qcow2.xz.sig SHA256SUMS; do curl -sSfO %s/$f || exit 1; done\n", s.Server) +
		"gpgv -q --keyring ../keys.gpg image.qcow2.xz.sig image.qcow2.xz && sha256sum -c SHA256SUMS && xz -d -T0 image.qcow2.xz"
	return Case{
		Name: "fetch", Peer: ByHand, Ours: settings + s.Server + " " + s.Program + " fetch", Theirs: "cd hand && { " + hand + "; }",
		Before: "rm -rf store", BeforeTheirs: "rm -rf hand && mkdir hand", After: "rm -rf store hand",
	}
}
