package settings

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/workspace"
)

func environment(vars map[string]string) Environment {
	lookup := func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
	return Environment{Lookup: lookup, Cache: "/home/u/.cache"}
}

func TestLoadDefaults(t *testing.T) {
	s, err := Load(nil, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.Prefix != "core" || s.Nodes != 3 || s.RAM != 2048 || s.VCPU != 2 || s.Config != "ignition/ignition.yml" ||
		s.Bridge != "br0" || s.URI != "qemu:///system" || s.Accel != "auto" || s.Timeout != 10*time.Minute ||
		!s.Ready || s.Image != "fcos-stable" || s.Store != "/home/u/.cache/coreos-libvirt" {
		t.Errorf("got %+v", s)
	}
}

func TestLoadOrderOfSources(t *testing.T) {
	env := environment(map[string]string{"COREOS_NODES": "5", "COREOS_RAM": "4096", "COREOS_LAB": "1"})
	s, err := Load([]string{"nodes=7", "timeout=90"}, env)
	if err != nil {
		t.Fatal(err)
	}
	if s.Nodes != 7 || s.RAM != 4096 || s.Image != "lab" || s.Accel != "tcg" || s.Timeout != 90*time.Second {
		t.Errorf("got %+v", s)
	}
	if !s.Given("nodes") || !s.Given("ram") || s.Given("image") || s.Given("prefix") {
		t.Error("Given must tell the user's values from defaults")
	}
}

// TestASettingOfAnother has settings that only say something together with another one, from a lower source than that.
func TestASettingOfAnother(t *testing.T) {
	user := map[string]string{"COREOS_DISCOVERY_USER": "me:secret"}
	theirs := map[string]string{"COREOS_DISCOVERY_USER": "me:secret", "COREOS_DISCOVERY": "https://a.example:2379"}
	network := map[string]string{"COREOS_NETWORK": "default"}
	for _, c := range []struct {
		says           string
		words          []string
		env            map[string]string
		user, network string
	}{
		{"a password, which no list of processes shall show", []string{"discovery=https://b.example:2379"}, user, "me:secret", ""},
		{"the same etcd, said by the environment", nil, theirs, "me:secret", ""},
		{"another etcd does not get the password of the first", []string{"discovery=https://b.example:2379"}, theirs, "", ""},
		{"a bridge is instead of the network", []string{"bridge=br1"}, network, "", ""},
		{"the network", nil, network, "", "default"},
	} {
		s, err := Load(c.words, environment(c.env))
		if err != nil || s.DiscoveryUser != c.user || s.Network != c.network {
			t.Errorf("%s: got discovery_user=%q network=%q, %v", c.says, s.DiscoveryUser, s.Network, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for word, want := range map[string]string{
		"nods=3":                            "did you mean nodes=3",
		"--nodes=3":                         "did you mean nodes=3",
		"colour=red":                        "settings are prefix, nodes",
		"nodes=0":                           "nodes=0 (command line): a whole number from 1 to 1000",
		"nodes=three":                       "nodes=three (command line): a whole number",
		"nodes=":                            "nodes= (command line): a whole number",
		"ram=2g":                            "ram=2g (command line): a whole number from 256",
		"prefix=-x":                         "makes no valid host name",
		"prefix=a_b":                        "makes no valid host name",
		"prefix=../x":                       "makes no valid host name",
		"prefix=" + strings.Repeat("x", 62): "64 characters, RFC 1123 allows 63",
		"bridge=this-name-is-too-long":      "is not an interface name",
		"nic=a b":                           "nic=a b (command line): is not an interface name",
		"direct=this-name-is-too-long":      "is not an interface name",
		"bridge=br0;reboot":                 "bridge=br0;reboot (command line): is not an interface name",
		"bridge=$(reboot)":                  "is not an interface name",
		"bridge=br'0":                       "is not an interface name",
		"bridge=br*":                        "is not an interface name",
		"bridge=..":                         "is not an interface name",
		"bridge=":                           "is not an interface name",
		"nic=-all":                          "is not an interface name",
		"nic=eth0%i":                        "is not an interface name",
		"nic=eth0:1":                        "is not an interface name",
		"direct=eth0\nName=x":               "is not an interface name",
		"direct=.":                          "is not an interface name",
		"uri=localhost":                     "is not a libvirt URI",
		"accel=xen":                         "auto, kvm, tcg are allowed",
		"timeout=-3s":                       "a duration above zero",
		"ready=perhaps":                     "on or off, true or false is allowed",
		"config=":                           "must not be empty",
		"user=$(reboot)":                    "is not the name of a user",
		"user=core\nProxyCommand reboot":    "is not the name of a user",
		"user=-oProxyCommand":               "is not the name of a user",
		"user=":                             "is not the name of a user",
	} {
		_, err := Load([]string{word}, environment(nil))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: got error %v, want %q and a hint", word, err, want)
		}
	}
}

func TestLoadRefusesContradiction(t *testing.T) {
	if _, err := Load([]string{"nodes=3", "nodes=4"}, environment(nil)); err == nil || !strings.Contains(err.Error(), "nodes=3 and nodes=4") {
		t.Errorf("got %v", err)
	}
	if _, err := Load([]string{"network=default", "direct=eth0"}, environment(nil)); err == nil || !strings.Contains(err.Error(), "network=default and direct=eth0") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(nil, environment(map[string]string{"COREOS_NODES": "x"})); err == nil || !strings.Contains(err.Error(), "environment, COREOS_NODES") {
		t.Errorf("got %v", err)
	}
}

func TestPrint(t *testing.T) {
	s, err := Load([]string{"nodes=5"}, environment(map[string]string{"COREOS_RAM": "512"}))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	rows, err := s.Rows("nowhere")
	if err := errors.Join(err, row.Print(&out, rows)); err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys(environment(nil)) {
		if !strings.Contains(out.String(), "\n"+key.Name+" ") {
			t.Errorf("%s is not printed", key.Name)
		}
	}
	lines := strings.Split(out.String(), "\n")
	if f := strings.Fields(lines[2]); strings.Join(f[:5], " ") != "nodes 5 command line 3" {
		t.Errorf("got %q", lines[2])
	}
}

// A variable that looks like a setting and is none is as wrong as a word.
func TestLoadRefusesUnknownVariables(t *testing.T) {
	for name, want := range map[string]string{
		"COREOS_NODS":   "COREOS_NODS (environment): there is no setting \"nods\"\nhint: did you mean COREOS_NODES ?",
		"COREOS_nodes":  "hint: did you mean COREOS_NODES ?",
		"COREOS_COLOUR": "hint: settings are prefix, nodes",
		"COREOS_VAR_x":  "var.x: this cannot be a word of yours",
	} {
		env := environment(nil)
		env.All = func() []string { return []string{"HOME=/", name + "=3"} }
		if _, err := Load(nil, env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	env := environment(nil)
	env.All = func() []string {
		return []string{"COREOS_LAB=1", "COREOS_RELAUNCHED=1", "COREOS_VAR_My_Word=x", "COREOS_NODES=2", "COREOSX=1"}
	}
	if _, err := Load(nil, env); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("nodes=3")
	f.Add("=")
	f.Add("prefix=\x00")
	f.Fuzz(func(t *testing.T, word string) {
		s, err := Load([]string{word}, environment(nil))
		if err == nil && (s.Nodes < 1 || len(workspace.NodeName(s.Prefix, s.Nodes)) > maxLabel) {
			t.Errorf("%q gave %+v", word, s)
		}
	})
}

func TestDisk(t *testing.T) {
	for word, want := range map[string]int{"": 0, "disk=auto": 0, "disk=": 0, "disk=12": 12} {
		if s, err := Load(strings.Fields(word), environment(nil)); err != nil || s.Disk != want {
			t.Errorf("%s: got %+v, %v", word, s, err)
		}
	}
	for _, word := range []string{"disk=0", "disk=-1", "disk=10G", "disk=Auto"} {
		if _, err := Load([]string{word}, environment(nil)); err == nil || !strings.Contains(err.Error(), "auto, or a whole number from 1 to 65536 is allowed") {
			t.Errorf("%s: got %v", word, err)
		}
	}
}

// TestUnitNames: what is no unit's name never comes to a shell in a node.
func TestUnitNames(t *testing.T) {
	for value, good := range map[string]bool{
		"etcd": true, "etcd.service": true, `dev-disk-by\x2dlabel-x.swap`: true, "etcd*": true, "a@b.service": true, "": true,
		"a b": false, "a'b": false, "-x": false, "$(id)": false, "a\nb": false, "a;b": false,
	} {
		_, err := Load([]string{"unit=" + value}, environment(nil))
		if (err == nil) != good {
			t.Errorf("%q: got %v", value, err)
		}
	}
}
