//go:build lab

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
)

// examples runs every config in ignition/examples that no other part does, nor TestStandins, TestDisks or TestGroups.
func examples(t *testing.T, c clone) {
	elsewhere := []string{"seed.yml", "etcd-tls.yml", "etcd-flatcar.yml", "seed-etcd.yml", "raid.yml", "luks.yml", "network-fcos.yml", "network-flatcar.yml", "worker.yml"}
	own := map[string]func(*testing.T, clone, string){
		"etcd-quadlet.yml": quadlet, "docker.yml": docker,
	}
	found, err := filepath.Glob(filepath.Join(c.dir, "ignition/examples/*.yml"))
	distributor.Must(t, err)
	if len(found) != len(own)+len(elsewhere) {
		t.Errorf("there are %d examples, %d of them are run", len(found), len(own)+len(elsewhere))
	}
	for file, test := range own {
		t.Run(file, func(t *testing.T) {
			test(t, c, "config=ignition/examples/"+file)
			c.mage(t, "lab", "down", "all=true", "yes=true")
			c.nothingIsLeft(t)
		})
	}
}

// overlay lays a config over that of each of the example's nodes, until the test ends.
func (c clone) overlay(t *testing.T, text string, nodes ...string) {
	t.Helper()
	for _, node := range nodes {
		c.write(t, "ignition/examples/nodes/"+node+".yml", text)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Join(c.dir, "ignition/examples/nodes")) })
}

// quadlet boots a member that the real Podman runs, by the real generator's unit, from an image that it pulls.
func quadlet(t *testing.T, c clone, config string) {
	c.mage(t, "lab")
	serveRegistry(t, c)
	c.overlay(t, "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/containers/registries.conf.d/50-own.conf\n      contents:\n        inline: |\n          "+
		strings.ReplaceAll(strings.TrimSpace(ownRegistry), "\n", "\n          ")+"\n", "core01")
	out := c.mage(t, "lab", "up", "nodes=1", config)
	if !strings.Contains(out, "healthy, leader, 3.6.16") {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, map[string]string{
		"podman ps --noheading --format={{.Names}},{{.Image}}": "etcd,quay.io/coreos/etcd:v3.6.16",
		"systemctl show --value -p SourcePath etcd":            "/etc/containers/systemd/etcd.container",
	})
}

// docker talks to the Docker of a node as `mage env` says.
func docker(t *testing.T, c clone, config string) {
	c.mage(t, "lab", "up", "nodes=1", config)
	env := c.mage(t, "lab", "env", "node=core01")
	bin := t.TempDir()
	if out, err := exec.Command("tar", "-xf", guestimage.RootFS(cache), "-C", bin, "--strip-components=3", "./usr/bin/docker").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	distributor.Must(t, os.WriteFile(filepath.Join(bin, "env"), []byte(env), 0o600))
	got := c.inLab(t, "sh", "-c", `. "$0/env" && PATH=$PATH:$0 && docker info --format '{{.Name}} {{.OperatingSystem}}'`, bin)
	if !strings.HasPrefix(got, "core01 Debian") {
		t.Errorf("got %s", got)
	}
}
