package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/image/stream"
)

// etcdScript runs ignition/files/etcd.sh on a host that has the programs and no etcd, and gives what they were called with.
func etcdScript(t *testing.T, programs ...string) string {
	t.Helper()
	text, err := os.ReadFile("../ignition/files/etcd.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	called := filepath.Join(dir, "called")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("ip", "#!/bin/sh\necho '192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.11 uid 0'\n")
	write("install", "#!/bin/sh\n")
	for _, name := range programs {
		write(name, "#!/bin/sh\necho "+name+" \"$@\" >>"+called+"\n[ \"$1\" != rm ]\n")
	}
	for _, name := range []string{"sed", "grep"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "-c", strings.ReplaceAll(string(text), "=(/usr/local/bin/etcd)", "=(/nowhere/etcd)"))
	cmd.Env = []string{"PATH=" + dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", programs, err, out)
	}
	calls, err := os.ReadFile(called)
	if err != nil {
		t.Fatal(err)
	}
	return string(calls)
}

// TestEtcdInAContainer: Fedora CoreOS has Podman, and Docker too; Flatcar has Docker. What a killed run left is in nobody's way.
func TestEtcdInAContainer(t *testing.T) {
	const run = " --rm --name=etcd --net=host --volume=/var/lib/etcd:/var/lib/etcd:Z --volume=/etc/etcd:/etc/etcd:ro,z --env=ETCD_FORCE_NEW_CLUSTER quay.io/coreos/etcd:v3.6.16 /usr/local/bin/etcd --name=Node_Name "
	for _, programs := range [][]string{{"podman"}, {"podman", "docker"}} {
		if got := etcdScript(t, programs...); !strings.HasPrefix(got, "podman run --replace"+run) || strings.Count(got, "\n") != 1 {
			t.Errorf("%v: got %s", programs, got)
		}
	}
	if got := etcdScript(t, "docker"); !strings.HasPrefix(got, "docker rm --force etcd\ndocker run"+run) || strings.Count(got, "\n") != 2 {
		t.Errorf("docker: got %s", got)
	}
}

// TestTheShippedConfigIsForFlatcarToo, although its variant is Fedora CoreOS'. Flatcar has Ignition 2.18 from 3975 on, 2.19 in
// its LTS of 2024, and 2.24 since 4593 (flatcar/scripts, sys-apps/ignition of the tags stable-3975.2.0, lts-4081.3.8 and stable-4593.2.4).
func TestTheShippedConfigIsForFlatcarToo(t *testing.T) {
	for _, config := range []string{"ignition.yml", "examples/etcd-tls.yml", "examples/etcd-flatcar.yml"} {
		template, err := transpile.File("../ignition/"+config, "../ignition/files")
		if err != nil {
			t.Fatal(err)
		}
		spec, err := render.Version(template.JSON)
		if err != nil {
			t.Fatal(err)
		}
		for _, ignition := range []string{"2.18.0", "2.19.0", "2.20.0", "2.24.0"} {
			if err := (stream.Image{Name: "flatcar-stable", Ignition: ignition}).Accepts(spec); err != nil {
				t.Errorf("%s: %v", config, err)
			}
		}
	}
}
