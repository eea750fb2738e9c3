// Package upstream builds programs of others that nodes run, here: each in a module that pins every byte it is built from.
package upstream

import (
	"embed"
	"os"
	"path/filepath"
)

// The versions that are built.
const (
	IgnitionVersion = "v2.27.0" // as in go.mod
	QuadletVersion  = "v5.6.2"  // of Podman: Debian 12's own is older than Quadlets
	OldEtcdVersion  = "v3.5.16" // of Flatcar's etcd-member.service, and of ignition/examples/seed-etcd.yml: the last minor version that knows v2 discovery
)

// The packages that are built.
const (
	IgnitionPackage = "github.com/coreos/ignition/v2/internal"
	QuadletPackage  = "github.com/containers/podman/v5/cmd/quadlet"
	OldEtcdPackage  = "go.etcd.io/etcd/server/v3"
)

// modules are what Ignition, Quadlet and the older etcd are built in: of another version, in a folder with the module's go.mod and go.sum,
// `go get github.com/coreos/ignition/v2/internal@v…` makes both.
//
//go:embed modules
var modules embed.FS

// WriteModule writes go.mod and go.sum of the module, ignition, quadlet or old-etcd, into the folder dir. Here they have other names, as a
// folder with a go.mod cannot be embedded.
func WriteModule(module, dir string) error {
	for _, kind := range []string{"mod", "sum"} {
		text, err := modules.ReadFile("modules/" + module + "." + kind)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "go."+kind), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
