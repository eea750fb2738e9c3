package hosts

import (
	"reflect"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/hint"
)

func TestParse(t *testing.T) {
	for value, want := range map[string][]Host{
		"":                              nil,
		" ":                             nil,
		"qemu:///system":                {{Name: Local, URI: "qemu:///system"}},
		"qemu+ssh://root@hv1:22/system": {{Name: "hv1", URI: "qemu+ssh://root@hv1:22/system"}},
		"qemu+ssh://root@hv1/system, qemu+ssh://hv2.lan/system?keyfile=/k": {
			{Name: "hv1", URI: "qemu+ssh://root@hv1/system"}, {Name: "hv2.lan", URI: "qemu+ssh://hv2.lan/system?keyfile=/k"},
		},
		"qemu+ssh://[fe80::1]/system":               {{Name: "fe80::1", URI: "qemu+ssh://[fe80::1]/system"}},
		"test:///a.xml name=a,test:///b.xml name=b": {{Name: "a", URI: "test:///a.xml"}, {Name: "b", URI: "test:///b.xml"}},
		"qemu+ssh://hv1/system name=one bridge=br1 label=ssd label=rack-a": {
			{Name: "one", URI: "qemu+ssh://hv1/system", Bridge: "br1", Labels: []string{"ssd", "rack-a"}},
		},
	} {
		if got, err := Parse(value); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, %v; want %+v", value, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for value, want := range map[string][2]string{ // the message, and a part of the hint
		"hv1":                                 {"hv1 is not a libvirt URI: qemu:///system and the like are allowed (https://libvirt.org/uri.html)", ""},
		"qemu:///system,":                     {"there is nothing between two commas: a URI of libvirt's is wanted there, qemu+ssh://root@hv1/system", ""},
		"qemu://h/system,qemu://h/system":     {"the host qemu://h/system is there twice", ""},
		"qemu+ssh://h/system,qemu://h/system": {"qemu+ssh://h/system and qemu://h/system are both called h", "name=…"},
		"test:///a,test:///b":                 {"test:///a and test:///b are both called localhost", "name=…"},
		"qemu+ssh://root@hv1/system?no_verify=1": {
			"qemu+ssh://root@hv1/system?no_verify=1 has no_verify: whoever answers in the host's place would be believed", "`ssh hv1` once",
		},
		"qemu+ssh://root:secret@hv1/system": {"qemu+ssh://root:xxxxx@hv1/system has a password in it, which libvirt does not use", "ssh-copy-id root@hv1"},
		"qemu://h/system ssd":               {"qemu://h/system: \"ssd\": name=, bridge= and label= are allowed behind a URI", ""},
		"qemu://h/system name=":             {"qemu://h/system: name=: up to 64 letters, digits and . _ : - are allowed, the first a letter or digit", ""},
		"qemu://h/system bridge=../x":       {"qemu://h/system: bridge=../x is not an interface name: 1 to 15 letters, digits and . _ - are allowed, the first not a -", ""},
	} {
		got, err := Parse(value)
		if err == nil || got != nil && value == "" {
			t.Errorf("%q: got %v, want that it is refused", value, got)
			continue
		}
		if hint.FirstLine(err) != want[0] || !strings.Contains(err.Error(), want[1]) {
			t.Errorf("%q: got %q, want %q and %q", value, err, want[0], want[1])
		}
	}
}

func TestNamed(t *testing.T) {
	all, err := Parse("qemu://a/system label=ssd,qemu://b/system label=ssd,qemu://c/system")
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"a": "a", "c": "c", "ssd": "a b", "d": ""} {
		names, err := Named(all, word)
		if strings.Join(names, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %v, %v; want %q", word, names, err, want)
		}
	}
}

func TestTextIsWhatParseReads(t *testing.T) {
	text := Text(map[string]string{"uri": "qemu+ssh://hv1/system", "name": "one", "bridge": "br1", "labels": "ssd,rack-a"})
	got, err := Parse(text)
	if want := (Host{Name: "one", URI: "qemu+ssh://hv1/system", Bridge: "br1", Labels: []string{"ssd", "rack-a"}}); err != nil || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%q: got %+v, %v", text, got, err)
	}
}
