package objects

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	yaml3 "gopkg.in/yaml.v3"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// sample is a node with all that a node can have.
func sample() Node {
	return Node{
		Place:   Place{Namespace: "web", StorageClass: "fast", NAD: "default/br0"},
		Image:   Image{Name: "fcos-stable 43.20260101.3.0", Registry: "quay.io/fedora/fedora-coreos-kubevirt@sha256:" + strings.Repeat("a", 64)},
		Name:    "core01",
		Cluster: "core", UUID: "0ec3a9ad-35c1-5a1e-8a4e-4b8f2c0a8a11", MAC: "52:54:00:12:10:59", Arch: "x86_64", MiB: 2048, VCPUs: 2, GiB: 10,
		Further:  []engine.FurtherDisk{{Name: "data", GiB: 20}, {Name: "log", GiB: 5}},
		Document: []byte(`{"ignition":{"version":"3.5.0"}}`),
		Mark:     Mark{ID: "5b0c2e5e-5c3a-4b1f-8a77-0f5c6a0c7d10", Workspace: "/home/me/core", Number: 1, Ignition: strings.Repeat("1", 64)},
	}
}

// samples are nodes of each kind, with the Service of those that need one.
func samples(t *testing.T) map[string][]Object {
	t.Helper()
	masquerade, arm, single := sample(), sample(), sample()
	masquerade.Place = Place{}
	arm.Arch, arm.UEFI, arm.Further = "aarch64", true, nil
	single.Image = Image{Name: "flatcar-stable 4593.2.0", URL: "https://stable.release.flatcar-linux.net/x.qcow2", SHA512: strings.Repeat("b", 128)}
	single.Mark.Group = "worker"
	all := map[string][]Object{}
	for name, n := range map[string]Node{"multus": sample(), "masquerade": masquerade, "aarch64": arm, "http": single} {
		objects, err := Of(n)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = objects
	}
	all["masquerade"] = append(all["masquerade"], Service(Place{}, "core", sample().Mark))
	return all
}

func TestTheSchemasOfKubernetesAndKubeVirtTakeAll(t *testing.T) {
	known := schemas(t)
	for name, objects := range samples(t) {
		for _, o := range objects {
			if err := validate(t, known, o); err != nil {
				t.Errorf("%s: %s: %v", name, o["kind"], err)
			}
		}
	}
}

// TestTheSchemasAreStrict: a test that takes everything would show nothing.
func TestTheSchemasAreStrict(t *testing.T) {
	known := schemas(t)
	for name, spoil := range map[string]func(secret, volume, machine Object){
		"a field of the template": func(_, _, m Object) { at(m, "spec", "template", "spec")["topologySpreadConstraint"] = []any{} },
		"a device":                func(_, _, m Object) { at(m, "spec", "template", "spec", "domain", "devices")["logSerial"] = true },
		"a type":                  func(_, _, m Object) { at(m, "spec", "template", "spec", "domain", "cpu")["cores"] = "2" },
		"a size":                  func(_, v, _ Object) { at(v, "spec", "storage", "resources", "requests")["storage"] = "ten" },
		"a source":                func(_, v, _ Object) { at(v, "spec", "source")["checksum"] = "x" },
		"a label":                 func(_, _, m Object) { at(m, "metadata", "labels")["x"] = 1 },
		"a field of the secret":   func(s, _, _ Object) { s["dat"] = Object{} },
	} {
		objects, err := Of(sample())
		if err != nil {
			t.Fatal(err)
		}
		spoil(objects[0], objects[1], objects[len(objects)-1])
		refused := 0
		for _, o := range objects {
			if validate(t, known, o) != nil {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%s: %d objects are refused", name, refused)
		}
	}
}

func at(o Object, path ...string) Object {
	for _, key := range path {
		o = o[key].(Object)
	}
	return o
}

func TestWhatANodeIs(t *testing.T) {
	for name, objects := range samples(t) {
		text, err := YAML(objects)
		if err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + name + ".yaml"
		if *update {
			if err := os.WriteFile(golden, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(text, want) {
			t.Errorf("%s: %v; with -update the file is\n%s", golden, err, text)
		}
	}
}

// TestOtherParsersReadTheSame: kubectl's parser is of YAML 1.1, in which 52:54:00:12:10:59 without quotes would be a number.
func TestOtherParsersReadTheSame(t *testing.T) {
	for name, objects := range samples(t) {
		text, err := YAML(objects)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, text, func(r io.Reader) func(any) error { return yaml3.NewDecoder(r).Decode })
		if plain(t, got) != plain(t, objects) {
			t.Errorf("%s: read as\n%s\nwritten\n%s", name, plain(t, got), plain(t, objects))
		}
	}
	text, err := YAML([]Object{{"macAddress": "52:54:00:12:10:59", "on": "yes", "n": "1e3"}})
	if err != nil || !strings.Contains(string(text), `"52:54:00:12:10:59"`) || !strings.Contains(string(text), `"yes"`) {
		t.Errorf("got %s, %v", text, err)
	}
}

func plain(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDocumentIsInTheSecret(t *testing.T) {
	for _, size := range []int{2049, mostDocument} {
		n := sample()
		n.Document = bytes.Repeat([]byte("x"), size)
		objects, err := Of(n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := base64.StdEncoding.DecodeString(at(objects[0], "data")["userData"].(string))
		if err != nil || !bytes.Equal(got, n.Document) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// TestTheDigestOfAMachine is of all that it is, and of nothing that is only noted.
func TestTheDigestOfAMachine(t *testing.T) {
	of := func(change func(*Node)) any {
		n := sample()
		change(&n)
		objects, err := Of(n)
		if err != nil {
			t.Fatal(err)
		}
		return at(objects[len(objects)-1], "metadata", "annotations")[NoteDefinition]
	}
	same := of(func(*Node) {})
	for name, change := range map[string]func(*Node){"document": func(n *Node) { n.Document = []byte("{}") }, "path": func(n *Node) { n.Mark.Workspace = "/x" }} {
		if of(change) != same {
			t.Errorf("%s: the digest is another one", name)
		}
	}
	for name, change := range map[string]func(*Node){
		"memory": func(n *Node) { n.MiB = 4096 }, "processors": func(n *Node) { n.VCPUs = 3 }, "network": func(n *Node) { n.NAD = "" },
		"disks": func(n *Node) { n.Further = nil }, "firmware": func(n *Node) { n.UEFI = true }, "MAC": func(n *Node) { n.MAC = "52:54:00:00:00:01" },
	} {
		if of(change) == same {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestWhatKubernetesDoesNotTake(t *testing.T) {
	for want, change := range map[string]func(*Node){
		"Core01: Kubernetes takes no such name for the cluster Core":   func(n *Node) { n.Cluster, n.Name = "Core", "Core01" },
		"core-01: Kubernetes takes no such name for the cluster core-": func(n *Node) { n.Cluster, n.Name = "core-", "core-01" },
		"1core: Kubernetes takes no such name for the Service":         func(n *Node) { n.Cluster, n.Name, n.NAD = "1core", "1core01", "" },
		"core01: its Ignition document has 1048577 bytes":              func(n *Node) { n.Document = make([]byte, mostDocument+1) },
		"Kubernetes takes no DataVolume of the name core01-Data_1":     func(n *Node) { n.Further[0].Name = "Data_1" },
		"core01: it has no image for KubeVirt":                         func(n *Node) { n.Image = Image{} },
	} {
		n := sample()
		change(&n)
		objects, err := Of(n)
		if err == nil || objects != nil || !strings.Contains(err.Error(), want) || hint.Of(err, "") == "" {
			t.Errorf("want %q with a hint, got %v", want, err)
		}
	}
}
