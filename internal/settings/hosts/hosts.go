// Package hosts reads hosts=, the machines whose libvirt a cluster's nodes run on, and libvirt's URIs.
package hosts

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/terminal/hint"
)

// Host is a machine whose libvirt runs nodes.
type Host struct {
	Name   string // by which people name it: the URI's, if none is given
	URI    string
	Bridge string   // that its nodes are plugged into; empty: bridge=
	Labels []string // by which host: in the cluster file may name several
	Lab    bool     // whether it is a hypervisor of the lab, said by a bare number
}

// URIPattern is how a URI begins.
const URIPattern = "^[A-Za-z][A-Za-z0-9+.-]*:"

// NamePattern is what a host, or a label of hosts, may be called.
const NamePattern = `^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`

var name = regexp.MustCompile(NamePattern)

// Local is the name of the host whose URI names none: this machine.
const Local = "localhost"

// Most is how many hosts there may be.
const Most = 100

// Parse reads hosts with commas. Each is a URI of libvirt's, and behind it, with spaces between them, what else is said of it:
// name=hv1, bridge=br1, label=ssd. A bare number is so many hypervisors of the lab. The result is nil if the value says nothing.
func Parse(value string) (hosts []Host, err error) {
	if strings.TrimSpace(value) == "" {
		return nil, nil
	}
	if hosts, is := ofLab(strings.TrimSpace(value)); is {
		return hosts, nil
	}
	for _, text := range strings.Split(value, ",") {
		h, err := parse(text)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	if len(hosts) > Most {
		return nil, fmt.Errorf("%d hosts: at most %d are allowed", len(hosts), Most)
	}
	return hosts, different(hosts)
}

// parse reads one host.
func parse(text string) (h Host, err error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return h, errors.New("there is nothing between two commas: a URI of libvirt's is wanted there, qemu+ssh://root@hv1/system")
	}
	h.URI = words[0]
	if err := CheckURI(h.URI); err != nil {
		return h, fmt.Errorf("%s %w", shown(h.URI), err)
	}
	h.Name = nameIn(h.URI)
	for _, word := range words[1:] {
		if err := h.take(word); err != nil {
			return h, fmt.Errorf("%s: %w", h.URI, err)
		}
	}
	return h, nil
}

// shown is the URI without a password.
func shown(uri string) string {
	if u, err := url.Parse(uri); err == nil {
		return u.Redacted()
	}
	return uri
}

// take reads what is said of the host behind its URI.
func (h *Host) take(word string) error {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "name":
		h.Name = value
	case "label":
		h.Labels = append(h.Labels, value)
	case "bridge":
		if h.Bridge = value; !link.IsName(value) {
			return fmt.Errorf("bridge=%s %w", value, link.ErrNoName)
		}
		return nil
	default:
		return fmt.Errorf("%q: name=, bridge= and label= are allowed behind a URI", word)
	}
	if !name.MatchString(value) {
		return fmt.Errorf("%s: up to 64 letters, digits and . _ : - are allowed, the first a letter or digit", word)
	}
	return nil
}

// different is an error if two of the hosts cannot be told from each other.
func different(hosts []Host) error {
	for i, h := range hosts {
		for _, other := range hosts[:i] {
			switch {
			case h.URI == other.URI:
				return fmt.Errorf("the host %s is there twice", h.URI)
			case h.Name == other.Name:
				return hint.Errorf("give one another name: hosts='"+h.URI+" name=…', or `name:` in the cluster file",
					"%s and %s are both called %s", other.URI, h.URI, h.Name)
			}
		}
	}
	return nil
}

// nameIn is the name of the host in the URI.
func nameIn(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return Local
	}
	return u.Hostname()
}

// CheckURI refuses what is not a URI of libvirt's, and one that has ssh or TLS believe whoever answers. The error is the rest of a sentence
// that begins with the URI.
func CheckURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || strings.ContainsAny(uri, " \t\n") {
		return errors.New("is not a libvirt URI: qemu:///system and the like are allowed (https://libvirt.org/uri.html)")
	}
	if u.Query().Has("no_verify") {
		return hint.Errorf("leave no_verify out, and run `ssh "+u.Host+"` once, which shows the key and keeps it in known_hosts",
			"has no_verify: whoever answers in the host's place would be believed")
	}
	if _, has := u.User.Password(); has {
		return hint.Errorf("leave the password out, and put a key into the host's authorized_keys: `ssh-copy-id "+u.User.Username()+"@"+u.Host+"`",
			"has a password in it, which libvirt does not use")
	}
	return nil
}

// Quiet is the host's URI with which ssh asks nobody for a password: of several hosts at once nobody could know whose it is
// (https://libvirt.org/uri.html, no_tty).
func (h Host) Quiet() string {
	u, err := url.Parse(h.URI)
	if err != nil || !strings.HasSuffix(u.Scheme, "+ssh") || u.Query().Has("no_tty") {
		return h.URI
	}
	if u.RawQuery == "" {
		return h.URI + "?no_tty=1"
	}
	return h.URI + "&no_tty=1"
}

// Text is a host as Parse reads it, of the keys that stand in a cluster file: name, uri, bridge, and labels with commas.
func Text(keys map[string]string) string {
	words := []string{keys["uri"]}
	for _, key := range []string{"name", "bridge"} {
		if keys[key] != "" {
			words = append(words, key+"="+keys[key])
		}
	}
	for _, label := range strings.Split(keys["labels"], ",") {
		if label != "" {
			words = append(words, "label="+label)
		}
	}
	return strings.Join(words, " ")
}

// Named are the hosts that the word names: the one of that name, or those with that label. None is an error that says which there
// are.
func Named(hosts []Host, word string) (names []string, err error) {
	for _, h := range hosts {
		if h.Name == word {
			return []string{word}, nil
		}
		if slices.Contains(h.Labels, word) {
			names = append(names, h.Name)
		}
	}
	if len(names) == 0 {
		return nil, hint.Errorf("hosts are "+strings.Join(Names(hosts), ", "), "host %s: there is no host of that name, and none with that label", word)
	}
	return names, nil
}

// CheckPin is an error if the word names none of the hosts that nodes are spread over.
func CheckPin(hosts []Host, word string) error {
	if len(hosts) == 0 {
		return hint.Errorf("`hosts:` names them, or leave `host:` out", "host %s: nodes are spread over no hosts", word)
	}
	_, err := Named(hosts, word)
	return err
}

// Names are the hosts' names, in their order.
func Names(hosts []Host) (names []string) {
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	return names
}

// destination is a name with a user before it, as ssh takes it.
var destination = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}@` + NamePattern[1:])

// CheckName refuses what no host and no label can be called, with or without a user before it. An empty one is none.
func CheckName(word string) error {
	if word != "" && !name.MatchString(word) && !destination.MatchString(word) {
		return errors.New("is not the name of a host: up to 64 letters, digits and . _ : - are allowed, the first a letter or digit")
	}
	return nil
}

// Shape is how hosts look in a cluster file.
func Shape() clusterfile.Shape {
	word := clusterfile.Shape{Pattern: NamePattern}
	return clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
		Item: clusterfile.Shape{Pattern: URIPattern}, Need: []string{"uri"}, Text: Text,
		Keys: map[string]clusterfile.Shape{
			"uri": {Pattern: URIPattern}, "name": word, "bridge": {Pattern: link.Pattern},
			"labels": {Type: clusterfile.List, Entry: &clusterfile.Entry{Item: word}},
		},
	}}
}
