package command

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/lab"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/hosts"
)

// loaded are the settings of the words, with a cluster file.
func loaded(t *testing.T, file string, words ...string) *settings.Settings {
	t.Helper()
	env := settings.Environment{
		Lookup: func(string) (string, bool) { return "", false },
		File: func(path string) ([]byte, error) {
			if path == "clusters/core.yml" {
				return []byte(file), nil
			}
			return nil, fs.ErrNotExist
		},
	}
	s, err := settings.Load(words, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhichMachine: host= is a host of the cluster, by name or label, or else what ssh knows.
func TestWhichMachine(t *testing.T) {
	const file = "bridge: br1\nhosts:\n- qemu+ssh://root@hv1.lan/system\n- {uri: 'qemu+ssh://me@10.0.0.2:2222/system?keyfile=/k', name: b, bridge: br7, labels: ssd}\n- {uri: 'qemu+tls://hv3/system', labels: ssd}\n- qemu:///session\n"
	for word, want := range map[string][]string{
		"hv1.lan":  {"root@hv1.lan|hv1.lan|| host:setup host=hv1.lan bridge=br1 apply=true"},
		"b":        {"ssh://me@10.0.0.2:2222|b|/k| host:setup host=b apply=true bridge=br7"},
		"ssd":      {"ssh://me@10.0.0.2:2222|b|/k| host:setup host=ssd apply=true bridge=br7", "hv3|hv3|| host:setup host=ssd bridge=br1 apply=true"},
		"other":    {"other|other|| host:setup host=other bridge=br1 apply=true"},
		"root@hv9": {"root@hv9|hv9|| host:setup host=root@hv9 bridge=br1 apply=true"},
	} {
		s := loaded(t, file, "host="+word, "apply=true")
		named := machinesOf(s)
		got := []string{}
		for _, h := range named {
			m, err := reachedBySSH(h)
			words, wrong := wordsThere(s, h, "host:setup")
			if err != nil || wrong != nil {
				t.Errorf("%s: %v, %v", word, err, wrong)
			}
			got = append(got, strings.Join([]string{m.Destination, m.Name, m.Key, ""}, "|")+" "+strings.Join(words, " "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
	for _, h := range loaded(t, file).Hosts {
		if _, err := reachedBySSH(h); (err != nil) != (h.Name == "localhost") {
			t.Errorf("%s: got %v", h.URI, err)
		}
	}
	s := loaded(t, "", "uri=qemu+ssh://me@hv1/session", "host=hv1")
	named := machinesOf(s)
	if len(named) != 1 {
		t.Fatal(named)
	}
	if words, err := wordsThere(s, named[0], "host:check"); err != nil || !slices.Contains(words, "uri=qemu:///session") {
		t.Errorf("got %q, %v", words, err)
	}
}

// TestHostsOfTheLab: settings and the lab call them alike.
func TestHostsOfTheLab(t *testing.T) {
	all, err := hosts.Parse("2")
	if err != nil {
		t.Fatal(err)
	}
	world := lab.New("/workspace", "/cache", "/store")
	for i, h := range all {
		if there := world.Host(i + 1); h.Name != there.Name() || h.URI != there.URI() || lab.HostsIn(h.URI) != i+1 {
			t.Errorf("got %+v, the lab has %s at %s", h, there.Name(), there.URI())
		}
	}
}

// TestRemediesFromThere are typed where the run was sent from.
func TestRemediesFromThere(t *testing.T) {
	s := loaded(t, "", "host=root@hv1", "bridge=br7")
	got := fromThere(s, `sudo env PATH="$PATH" mage host:setup bridge=br7 apply=true   # network=default does without; sudo ip link set br7 up`)
	if want := launch.Called() + " host:setup host=root@hv1 bridge=br7 apply=true   # network=default does without; sudo ip link set br7 up"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
