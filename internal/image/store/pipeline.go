package store

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/trust"
	"coreos-libvirt/internal/image/unpack"
	"coreos-libvirt/internal/terminal/hint"
)

// pipeline is network, digests, signature, decompression and file in a row, in constant memory. The
// bytes as they come are kept beside until the image is whole, so that a later run can go on.
type pipeline struct {
	Fetcher
	image  stream.Image
	path   string
	signed signed

	packed    *withheld // the bytes as they come
	out       *withheld // the image; packed itself where it comes unpacked
	remote    *download.Stream
	remoteErr error // of the network
	resumed   bool  // began with bytes of an earlier run
}

// partial is what is known of the bytes that an earlier run left.
type partial struct {
	URL       string `json:"url"`
	Validator string `json:"validator"`
	Size      int64  `json:"size"` // of the whole
}

// largestPacked is more bytes than any image has, as it is served: the distributors' have less than 2 GiB.
const largestPacked = 32 << 30

var errTooLarge = hint.Errorf("is this the image's address?", "the server sends more than %d GiB: this is not an image", largestPacked>>30)

func (p *pipeline) part() string     { return p.path + ".part" }
func (p *pipeline) unpacked() string { return p.path + ".new" }

// open opens the files, and the network where the earlier run's left anything to get.
func (p *pipeline) open(ctx context.Context) (err error) {
	if p.packed, err = openWithheld(p.part()); err != nil {
		return err
	}
	p.out = p.packed
	if unpack.Compression(p.image.Format) != "" {
		if p.out, err = openWithheld(p.unpacked()); err != nil {
			return err
		}
		if err := p.out.reset(); err != nil {
			return err
		}
	}
	return p.connect(ctx)
}

func (p *pipeline) connect(ctx context.Context) (err error) {
	var left partial
	if readJSON(recordOf(p.part()), &left) != nil || left.URL != p.image.Public().URL || p.packed.size > left.Size && left.Size >= 0 {
		left = partial{}
		if err := p.packed.reset(); err != nil {
			return err
		}
	}
	p.resumed = p.packed.size > 0
	if p.resumed && p.packed.size == left.Size {
		return nil
	}
	p.remote, err = p.Client.Open(ctx, p.image.URL, download.Position{Offset: p.packed.size, Validator: left.Validator, Size: left.Size})
	if err != nil {
		p.remoteErr = err
		return err
	}
	if p.remote.Size > largestPacked {
		return errTooLarge
	}
	if p.resumed {
		p.Say("image: going on at %d MiB of %d MiB", p.packed.size>>20, p.remote.Size>>20)
	}
	return writeJSON(recordOf(p.part()), partial{URL: p.image.Public().URL, Validator: p.remote.Validator, Size: p.remote.Size})
}

// arriving are the bytes as the server has them: those that are here, and the rest, which is kept.
func (p *pipeline) arriving() (io.Reader, func()) {
	if p.remote == nil {
		return p.packed.reader(), func() {}
	}
	meter := p.Meter(p.packed.size, p.remote.Size)
	arrived := p.packed.size
	here := p.packed.reader()
	rest := reader(func(b []byte) (int, error) {
		n, err := p.remote.Read(b)
		if arrived += int64(n); arrived > largestPacked && (err == nil || errors.Is(err, io.EOF)) {
			return 0, errTooLarge
		}
		if err != nil && !errors.Is(err, io.EOF) {
			p.remoteErr = err
		}
		_, _ = meter.Write(b[:n])
		return n, err
	})
	return io.MultiReader(here, io.TeeReader(rest, p.packed)), func() { _ = meter.Close() }
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

// run drives all bytes through and gives the signature, once everything has been checked.
func (p *pipeline) run(ctx context.Context) (signature trust.Signature, err error) {
	arriving, stop := p.arriving()
	defer stop()
	digests := digestsOf(p.image)
	source := io.TeeReader(arriving, digests)
	var verification *trust.Verification
	if p.image.Signature != "" {
		if verification, err = p.signed.ring.Verify(source, p.signed.signature); err != nil {
			return signature, err
		}
		source = verification
	}
	content := newContent(p.image)
	err = p.unpack(ctx, source, content)
	if p.remoteErr != nil {
		return signature, p.remoteErr
	}
	if err != nil {
		return signature, err
	}
	if verification != nil {
		if signature, err = verification.Signature(); err == nil {
			err = p.inTime(p.image, signature.Time)
		}
		if err != nil {
			return signature, err
		}
	}
	return signature, errors.Join(digests.check(), content.check())
}

// unpack writes what source holds to out, and to content, which looks at it.
func (p *pipeline) unpack(ctx context.Context, source io.Reader, content io.Writer) error {
	unpacked, err := unpack.Reader(ctx, unpack.Compression(p.image.Format), source)
	if err != nil {
		return err
	}
	to := content
	if p.out != p.packed {
		to = io.MultiWriter(content, p.out)
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{unpacked}, make([]byte, 1<<20))
	if closing := unpacked.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, source) // what follows the packed image is signed, too
	return err
}

func (p *pipeline) close() {
	if p.remote != nil {
		p.remote.Close()
	}
	for _, w := range []*withheld{p.packed, p.out} {
		if w != nil {
			w.Close()
		}
	}
}

// digests are the hashes of the bytes as they are served.
type digests []digest

type digest struct {
	hash.Hash
	name, want string
}

func digestsOf(i stream.Image) digests {
	var all digests
	if i.SHA256 != "" {
		all = append(all, digest{sha256.New(), "sha256", i.SHA256})
	}
	if i.SHA512 != "" {
		all = append(all, digest{sha512.New(), "sha512", i.SHA512})
	}
	return all
}

func (d digests) Write(p []byte) (int, error) {
	for _, one := range d {
		_, _ = one.Write(p)
	}
	return len(p), nil
}

func (d digests) check() error {
	for _, one := range d {
		if got := hex.EncodeToString(one.Sum(nil)); got != one.want {
			return hint.Errorf("a run later tries again from the begin; nothing was kept",
				"the file that came has the %s %s, it should have %s", one.name, got, one.want)
		}
	}
	return nil
}

// vouched refuses an image without a signature that no digest vouches for either.
func vouched(i stream.Image) error {
	if i.SHA256 == "" {
		return hint.Errorf("add sha256=<digest of the file, as its publisher names it>", "%s cannot be verified: it has no signature, and sha256= is not given", i.Public().URL)
	}
	return nil
}
