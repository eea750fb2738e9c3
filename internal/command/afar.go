package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/image/afar"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/remote"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// isElsewhere reports whether the libvirt at the URI is on another host.
func isElsewhere(uri string) bool {
	_, remote := engine.Where{URI: uri}.Host()
	return remote
}

// hostsFetch reports whether base images need not be on this host: fetch=host says so, and no node is made on this one.
func hostsFetch(s *settings.Settings) bool {
	if s.Fetch != settings.FetchHost {
		return false
	}
	here := slices.ContainsFunc(s.Hosts, func(h hosts.Host) bool { return !isElsewhere(h.URI) })
	return !here && (len(s.Hosts) > 0 || isElsewhere(s.URI))
}

// fetcher has a host fetch base images, by this program over ssh.
type fetcher struct {
	r *Run
	h hosts.Host
}

// fetcherOn is that of the host; nil if the host is this one.
func fetcherOn(r *Run, h hosts.Host) *fetcher {
	if !isElsewhere(h.URI) {
		return nil
	}
	return &fetcher{r, h}
}

// Known is what is noted of the image.
func (fetcher) Known(path string) string {
	known, _ := afar.Load(path)
	return known.Content
}

// Fetches reports whether the image comes from the network, and fetch=host says that the host fetches it.
func (f fetcher) Fetches(path string) bool {
	_, err := f.imageAt(context.Background(), path)
	return err == nil && f.r.Settings.Fetch == settings.FetchHost
}

// imageAt is the run's image that is, or would be, at the path, if it comes from the network.
func (f fetcher) imageAt(ctx context.Context, path string) (base.Image, error) {
	held, err := imagesOf(ctx, f.r)
	for _, i := range held.baseImages {
		if i.Path == path && i.URL != "" {
			return i, nil
		}
	}
	return base.Image{}, errors.Join(err, fmt.Errorf("%s is not an image that this run fetches", path))
}

// Fetch has this program fetch the image there, into the pool.
func (f fetcher) Fetch(ctx context.Context, path, pool string) (sha256 string, err error) {
	i, err := f.imageAt(ctx, path)
	if err != nil {
		return "", err
	}
	words, err := f.words(i, pool)
	if err != nil {
		return "", err
	}
	f.r.log.Say("%s: fetching the image %s there", f.h.Name, strings.TrimSuffix(i.Name+"@"+i.Version, "@"))
	said, err := f.run(ctx, words)
	if err == nil {
		err = imageOptions(f.r, false).SeeAfar(path, said.Image)
	}
	if err != nil {
		return "", hint.Errorf("fetch=client fetches it here and uploads it", "%s has not fetched it: %w", f.h.Name, err)
	}
	return said.Content, nil
}

// words are the command line there: which image it is was decided here, so that all hosts fetch the same one.
func (f fetcher) words(i base.Image, pool string) ([]string, error) {
	s := f.r.Settings
	image, server := i.Name+"@"+i.Version, "fcos_url="+s.FCOSServer
	if i.OS == "flatcar" {
		server = "flatcar_url=" + s.FlatcarServer
	}
	words := []string{"fetch", "arch=" + s.Arch, "pool=" + pool, "uri=" + ownURI(f.h.URI), "format=json"}
	if i.OS == "" {
		image, words = i.URL, append(words, "sha256="+i.SHA256)
	} else if _, address, _ := strings.Cut(server, "="); f.r.Given(strings.TrimSuffix(server, "="+address)) {
		words = append(words, server)
	}
	words = append(words, "image="+image)
	for _, word := range words {
		if _, address, _ := strings.Cut(word, "="); hasPassword(address) {
			return nil, hint.Errorf("fetch=client fetches it here and uploads it", "%s is not sent to other hosts: there is a password in it", strings.TrimSuffix(word, "="+address))
		}
	}
	if s.Keyring != "" {
		return nil, hint.Errorf("fetch=client fetches it here and uploads it", "keyring= is a file of this machine, and with fetch=host others verify the image")
	}
	return words, nil
}

func hasPassword(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil && u.Host != ""
}

// ownURI is the URI by which libvirt goes on its own host.
func ownURI(uri string) string {
	at, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	driver, _, _ := strings.Cut(at.Scheme, "+")
	return driver + "://" + at.Path
}

// fetchedThere is what the program says on the host, and how it has failed.
type fetchedThere struct {
	afar.Image
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// run runs this program there. What it says meanwhile is said here.
func (f fetcher) run(ctx context.Context, words []string) (said fetchedThere, err error) {
	machine, program, remove, err := onMachineBy(ctx, f.r, f.h)
	defer remove()
	if err != nil {
		return said, err
	}
	var out bytes.Buffer
	progress := &lineWriter{say: func(line string) { f.r.log.Say("%s: %s", f.h.Name, line) }}
	err = machine.Run(ctx, remote.Program{Path: program, Words: words, Env: envThere(f.r), Stdout: &out, Stderr: progress})
	failed := json.Unmarshal(out.Bytes(), &said)
	switch {
	case failed == nil && said.Error != "":
		return said, hint.Add(errors.New(said.Error), said.Hint)
	case err != nil:
		return said, err
	case failed != nil || said.Content == "":
		return said, fmt.Errorf("its answer makes no sense: %q", out.String())
	}
	return said, nil
}

// lineWriter says each whole line that is written to it.
type lineWriter struct {
	say  func(line string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ended := bytes.Cut(w.rest, []byte("\n"))
		if !ended {
			return len(p), nil
		}
		w.rest = rest
		if text := strings.TrimSpace(string(line)); text != "" {
			w.say(text)
		}
	}
}

// fetchThere is what a host does that another machine has sent this program to: it fetches the image, puts it into the pool, and says
// what it is. In its store it stays only if it was there before.
func fetchThere(ctx context.Context, r *Run) error {
	said, err := intoPool(ctx, r)
	if err != nil {
		said.Error, said.Hint = hint.FirstLine(err), hint.Of(err, "")
	}
	if printed := table.JSON(r.out, said); printed != nil {
		return printed
	}
	if err != nil {
		return session.ExitStatus(1)
	}
	return nil
}

func intoPool(ctx context.Context, r *Run) (said fetchedThere, err error) {
	daemon, err := r.libvirt() // before anything is fetched
	if err != nil {
		return said, err
	}
	kept := images(r.Store)
	before, err := kept.List()
	if err != nil {
		return said, err
	}
	held, err := imagesOf(ctx, r)
	if err != nil {
		return said, err
	}
	path := held.baseImages[r.members()[0].Name].Path
	said.Image, err = describeImage(ctx, r, path)
	if err == nil {
		said.Content, err = daemon.Bring(ctx, path)
	}
	held.release()
	for _, entry := range before {
		if entry.Path == path {
			return said, err
		}
	}
	return said, errors.Join(err, kept.Discard(path))
}

// describeImage is what is known of the image in the store.
func describeImage(ctx context.Context, r *Run, path string) (i afar.Image, err error) {
	if i.Record, err = images(r.Store).RecordAt(path); err != nil {
		return i, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return i, err
	}
	disk, err := qcow2.CheckBase(ctx, path)
	i.Bytes, i.Virtual = info.Size(), disk.VirtualSize
	return i, err
}

// bringAfar has the hosts fetch the images of the nodes that are, or will be, on them, if nobody knows yet what these are. at are the
// nodes' hosts; nil if there is one. It is an error if of an image nobody knows then what it is. What else fails is said: it is an error of the
// nodes that are made there.
func bringAfar(ctx context.Context, r *Run, images baseImages, at map[string]string) error {
	wanted := map[string][]string{} // hosts by path
	for node, i := range images {
		if i.Afar && !i.Known() && !slices.Contains(wanted[i.Path], at[node]) {
			wanted[i.Path] = append(wanted[i.Path], at[node])
		}
	}
	failed, err := bringAll(ctx, r, wanted)
	for _, path := range slices.Sorted(maps.Keys(failed)) {
		if _, known := afar.Load(path); !known {
			err = errors.Join(err, failed[path])
		} else {
			r.log.Say("%v", failed[path])
		}
	}
	return err
}

// bringEverywhere has all hosts fetch the images. That one has not is an error, when the others have.
func bringEverywhere(ctx context.Context, r *Run, images baseImages) error {
	wanted := map[string][]string{}
	for _, i := range images {
		if names := hosts.Names(r.Hosts); i.Afar && len(names) > 0 {
			wanted[i.Path] = names
		} else if i.Afar {
			wanted[i.Path] = []string{""}
		}
	}
	failed, err := bringAll(ctx, r, wanted)
	for _, path := range slices.Sorted(maps.Keys(failed)) {
		err = errors.Join(err, failed[path])
	}
	return err
}

// bringAll has the hosts fetch the images, all at once. failed is why some have not, by the image's path.
func bringAll(ctx context.Context, r *Run, wanted map[string][]string) (failed map[string]error, err error) {
	failed = map[string]error{}
	if len(wanted) == 0 {
		return failed, nil
	}
	if _, err := opened(r); err != nil {
		return failed, err
	}
	for path, on := range wanted {
		slices.Sort(on)
		if err := errors.Join(wait.AtOnce(len(on), func(i int) error { return bringTo(ctx, r, on[i], path) })...); err != nil {
			failed[path] = err
		}
	}
	return failed, nil
}

// bringTo has the host of that name fetch the image.
func bringTo(ctx context.Context, r *Run, host, path string) error {
	on := r.conn
	if several := engine.HostsOf(r.conn); several != nil && host == "" {
		return nil // nobody knows where the node is, or it can be nowhere
	} else if several != nil {
		one, err := several.OnHost(host)
		if err != nil {
			return err
		}
		on = one
	}
	bringer, can := engine.As[engine.Bringer](on)
	if !can {
		return nil
	}
	_, err := bringer.Bring(ctx, path)
	return err
}
