package stage

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
)

// discoveryFolder is where nodes have what they show to an etcd elsewhere that serves discovery.
const discoveryFolder = "/etc/etcd/discovery"

// discoveryFile is one of the files, by etcd's flag for it.
type discoveryFile struct{ flag, setting, source string }

func (f discoveryFile) target() string { return path.Join(discoveryFolder, f.setting+".pem") }

// discoveryFiles are those that the settings name.
func (r *Run) discoveryFiles() []discoveryFile {
	named := []discoveryFile{}
	for _, f := range []discoveryFile{
		{"--discovery-cacert", "ca", r.DiscoveryCA}, {"--discovery-cert", "cert", r.DiscoveryCert}, {"--discovery-key", "key", r.DiscoveryKey},
	} {
		if f.source != "" {
			named = append(named, f)
		}
	}
	return named
}

// discoveryFlags are etcd's flags for the files, and for the user.
func (r *Run) discoveryFlags() string {
	flags := ""
	for _, f := range r.discoveryFiles() {
		flags += " " + f.flag + "=" + f.target()
	}
	if flags != "" {
		flags += " --discovery-insecure-transport=false"
	}
	if user, password, _ := strings.Cut(r.DiscoveryUser, ":"); user != "" { // etcd 3.6 does not part them, whatever its help says
		flags += " --discovery-user=" + user + " --discovery-password=" + password
	}
	return flags
}

// discoveryContents are the files that go into each node's document, by path.
func (r *Run) discoveryContents() (map[string][]byte, error) {
	contents := map[string][]byte{}
	if r.token == nil || r.token.Kind != discovery.KindV3 {
		return contents, nil
	}
	for _, f := range r.discoveryFiles() {
		text, err := os.ReadFile(f.source)
		if err != nil {
			return nil, fmt.Errorf("discovery_%s=: %w", f.setting, err)
		}
		contents[f.target()] = text
	}
	return contents, nil
}

// checkDiscoveryAccess finds what is wrong with the settings before anything is made.
func (r *Run) checkDiscoveryAccess() error {
	if (r.DiscoveryCert == "") != (r.DiscoveryKey == "") {
		return hint.Errorf("a certificate and its key go together", "discovery_cert=%s discovery_key=%s", r.DiscoveryCert, r.DiscoveryKey)
	}
	errs := []error{}
	for _, f := range r.discoveryFiles() {
		if _, err := os.Stat(f.source); err != nil {
			errs = append(errs, fmt.Errorf("discovery_%s=: %w", f.setting, err))
		}
	}
	return hint.Add(errors.Join(errs...), "a file of PEM")
}
