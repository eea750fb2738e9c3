package settings

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/settings/hosts"
)

const twoHosts = "qemu+ssh://root@hv1/system,qemu+ssh://root@hv2/system"

// TestHosts: which of hosts= and uri= counts, by where they are said.
func TestHosts(t *testing.T) {
	file := map[string]string{"clusters/core.yml": "hosts:\n- {uri: 'qemu://a/system', name: one, labels: [ssd]}\n- qemu://b/system\nnodes: {count: 2, core02: {host: ssd}}\n"}
	for name, c := range map[string]struct {
		words []string
		env   Environment
		hosts string
		uri   string
	}{
		"none":                          {nil, files(nil, nil), "", "qemu:///system"},
		"two":                           {[]string{"hosts=" + twoHosts}, files(nil, nil), "hv1 hv2", "qemu+ssh://root@hv1/system"},
		"one is uri=":                   {[]string{"hosts=qemu+ssh://root@hv1/system"}, files(nil, nil), "", "qemu+ssh://root@hv1/system"},
		"of the file":                   {nil, files(nil, file), "one b", "qemu://a/system"},
		"a word more than the file":     {[]string{"hosts=" + twoHosts + " label=ssd"}, files(nil, file), "hv1 hv2", "qemu+ssh://root@hv1/system"},
		"hosts= of a word, uri= of env": {[]string{"hosts=" + twoHosts}, files(map[string]string{"COREOS_URI": "test:///default"}, nil), "hv1 hv2", "qemu+ssh://root@hv1/system"},
	} {
		s, err := Load(c.words, c.env)
		if err != nil || strings.Join(hosts.Names(s.Hosts), " ") != c.hosts || s.URI != c.uri {
			t.Errorf("%s: got %+v, %v", name, s, err)
		}
	}
	plain := map[string]string{"clusters/core.yml": "hosts: [qemu://a/system, qemu://b/system]\n"}
	s, err := Load([]string{"uri=test:///default"}, files(nil, plain))
	if err != nil || len(s.Hosts) != 0 || s.URI != "test:///default" {
		t.Errorf("uri= of a word counts more than the file's hosts: got %+v, %v", s, err)
	}
}

// TestHostsOfTheLab: a bare number is so many of its hypervisors, and nothing outside it.
func TestHostsOfTheLab(t *testing.T) {
	s, err := Load([]string{"hosts=3"}, environment(map[string]string{LabVariable: "1"}))
	if err != nil || strings.Join(hosts.Names(s.Hosts), " ") != "hv1 hv2 hv3" || s.URI != "qemu+ssh://root@hv1/system" {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err = Load([]string{"hosts=1"}, environment(map[string]string{LabVariable: "1"})); err != nil || len(s.Hosts) != 0 || s.URI != "qemu+ssh://root@hv1/system" {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err = Load([]string{"hosts=3"}, environment(nil)); err == nil || !strings.Contains(err.Error(), "hosts=3: a bare number of hosts is for the lab\nhint: `mage lab up hosts=3`") {
		t.Errorf("got %v", err)
	}
	if _, err = Check([]string{"hosts=3"}, environment(nil), Clusters{}); err != nil {
		t.Errorf("what starts the lab says nothing of it: %v", err)
	}
	for _, value := range []string{"0", "-1", "101", "1.5"} {
		if _, err = Load([]string{"hosts=" + value}, environment(map[string]string{LabVariable: "1"})); err == nil {
			t.Errorf("hosts=%s: it should be refused", value)
		}
	}
}

// TestHostsAreRemembered: a user's name in a URI is no secret, or the next run would not know where the nodes are.
func TestHostsAreRemembered(t *testing.T) {
	s, err := Load([]string{"hosts=" + twoHosts}, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	known := Clusters{Names: []string{"core"}, Made: map[string]string{"core": s.Remembered()}, URI: map[string]string{"core": "qemu+ssh://root@hv1/system"}}
	again, err := LoadOf(nil, environment(nil), known)
	if err != nil || strings.Join(hosts.Names(again.Hosts), " ") != "hv1 hv2" || len(again.Forgotten) > 0 {
		t.Errorf("got %+v, %v", again, err)
	}
	other, err := LoadOf([]string{"uri=test:///default"}, environment(nil), known)
	if err != nil || len(other.Hosts) > 0 || other.URI != "test:///default" {
		t.Errorf("with uri=: got %+v, %v", other, err)
	}
	s, err = Load([]string{"host=hv1", "hosts=" + twoHosts}, environment(nil))
	if err != nil || strings.Contains(s.Remembered(), "host=") {
		t.Errorf("host= is what one run is about: got %s, %v", s.Remembered(), err)
	}
}

func TestHostsRefuse(t *testing.T) {
	two := "hosts: [qemu://a/system, qemu://b/system]\n"
	for name, c := range map[string]struct {
		words []string
		file  string
		want  []string
	}{
		"both, words":        {[]string{"uri=qemu:///system", "hosts=qemu://a/system"}, "", []string{"uri= (command line) and hosts= (command line): nodes run on the one, or on the others", "hosts=qemu:///system is the same as uri=qemu:///system"}},
		"both, file":         {nil, two + "uri: qemu:///system\n", []string{"clusters/core.yml:2:1", "uri: is not for a cluster with hosts", "leave one of them out"}},
		"no_verify in uri=":  {[]string{"uri=qemu+ssh://hv1/system?no_verify=1"}, "", []string{"uri=qemu+ssh://hv1/system?no_verify=1 (command line): has no_verify", "`ssh hv1` once"}},
		"no_verify, file":    {nil, "hosts:\n- qemu://a/system\n- qemu+ssh://b/system?no_verify=1\n", []string{"clusters/core.yml:2:1", "has no_verify"}},
		"twice, file":        {nil, "hosts: [qemu://a/system, qemu://a/system]\n", []string{"clusters/core.yml:1:8", "the host qemu://a/system is there twice"}},
		"a key that is none": {nil, "hosts:\n- {uri: 'qemu://a/system', bride: br1}\n", []string{"clusters/core.yml:2:28", "there is no key bride in an entry of hosts", "did you mean bridge ?"}},
		"no uri":             {nil, "hosts:\n- {name: a}\n", []string{"clusters/core.yml:2:3", "an entry of hosts has no uri"}},
		"an unknown pin":     {nil, two + "nodes:\n  core02: {host: c}\n", []string{"clusters/core.yml:3:3", "host c: there is no host of that name, and none with that label", "hosts are a, b"}},
		"a pin and no hosts": {nil, "nodes:\n  core02: {host: c}\n", []string{"clusters/core.yml:2:3", "host c: nodes are spread over no hosts", "`hosts:` names them"}},
	} {
		_, err := Load(c.words, files(nil, map[string]string{"clusters/core.yml": c.file}))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
}
