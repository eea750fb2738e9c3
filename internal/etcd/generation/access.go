package generation

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
)

// Access is what this host and the nodes show to an etcd elsewhere that serves discovery: files of PEM, and
// user:password. All may be empty.
type Access struct{ CA, Cert, Key, User string }

// folder is where nodes have the files.
const folder = "/etc/etcd/discovery"

// accessFile is one of the files, by etcd's flag for it.
type accessFile struct{ flag, setting, source string }

func (f accessFile) target() string { return path.Join(folder, f.setting+".pem") }

// files are those that there are.
func (a Access) files() []accessFile {
	named := []accessFile{}
	for _, f := range []accessFile{
		{"--discovery-cacert", "ca", a.CA}, {"--discovery-cert", "cert", a.Cert}, {"--discovery-key", "key", a.Key},
	} {
		if f.source != "" {
			named = append(named, f)
		}
	}
	return named
}

// flags are etcd's flags for the files, and for the user.
func (a Access) flags() string {
	flags := ""
	for _, f := range a.files() {
		flags += " " + f.flag + "=" + f.target()
	}
	if flags != "" {
		flags += " --discovery-insecure-transport=false"
	}
	if user, password, _ := strings.Cut(a.User, ":"); user != "" { // etcd 3.6 does not part them, whatever its help says
		flags += " --discovery-user=" + user + " --discovery-password=" + password
	}
	return flags
}

// credentials are the same for this host.
func (a Access) credentials() etcd.Credentials {
	user, password, _ := strings.Cut(a.User, ":")
	return etcd.Credentials{CA: a.CA, Cert: a.Cert, Key: a.Key, User: user, Password: password}
}

// check finds what is wrong with the settings before anything is made.
func (a Access) check() error {
	if (a.Cert == "") != (a.Key == "") {
		return hint.Errorf("a certificate and its key go together", "discovery_cert=%s discovery_key=%s", a.Cert, a.Key)
	}
	errs := []error{}
	for _, f := range a.files() {
		if _, err := os.Stat(f.source); err != nil {
			errs = append(errs, fmt.Errorf("discovery_%s=: %w", f.setting, err))
		}
	}
	return hint.Add(errors.Join(errs...), "a file of PEM")
}

// filesOf are the files that go into each node's document, by path.
func (o Options) filesOf(token discovery.Token) (map[string][]byte, error) {
	contents := map[string][]byte{}
	if token.Kind != discovery.KindV3 {
		return contents, nil
	}
	for _, f := range o.Access.files() {
		text, err := os.ReadFile(f.source)
		if err != nil {
			return nil, fmt.Errorf("discovery_%s=: %w", f.setting, err)
		}
		contents[f.target()] = text
	}
	return contents, nil
}
