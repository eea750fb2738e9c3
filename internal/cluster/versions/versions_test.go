package versions

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/workspace"
)

// quadlet is a document that brings etcd of the version in a container.
func quadlet(version string) []byte {
	return []byte(`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/containers/systemd/etcd.container","contents":{"source":"data:,%23%20not%20quay.io%2Fcoreos%2Fetcd%3Av3.4.0%0A%5BContainer%5D%0AImage%3Dquay.io%2Fcoreos%2Fetcd%3A` + version + `%0A"}}]}}`)
}

func TestOf(t *testing.T) {
	unit := func(text string) string {
		return fmt.Sprintf(`{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"etcd-member.service","dropins":[{"name":"20.conf","contents":%q}]}]}}`, text)
	}
	for doc, want := range map[string]string{
		string(quadlet("v3.6.16")):                                     "3.6.16",
		unit("[Service]\nEnvironment=ETCD_IMAGE_TAG=v3.5.16\n"):        "3.5.16",
		unit("ExecStart=podman run gcr.io/x/etcd:3.5.2-rc.1 etcd"):     "3.5.2",
		unit("ETCD_IMAGE_TAG=v3.5.16\nImage=quay.io/coreos/etcd:v3.6"): "3.5.16",
		unit("a/etcd:v3.5.1\nb/etcd:v3.5.2"):                           "", // which of them?
		unit("ExecStart=/usr/local/bin/etcd"):                          "",
		unit("Image=quay.io/coreos/etcd-other:v3.5.1"):                 "",
		"{": "",
	} {
		got, says := Of([]byte(doc))
		if says != (want != "") || says && got.String() != want {
			t.Errorf("%s: want %q, got %v %v", doc, want, got, says)
		}
	}
}

// situation has members that run versions, by node, and a plan that makes nodes of another.
func situation(t *testing.T, runs, says []string, actions []plan.Action, to string) (p plan.Plan, want []plan.Blueprint, status etcd.Status) {
	t.Helper()
	dir := t.TempDir()
	for i, version := range runs {
		node := workspace.NodeAt(dir, "core", i+1)
		if says[i] != "" {
			if err := os.MkdirAll(node.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(node.MadeOf(), quadlet("v"+says[i]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		status.Members = append(status.Members, etcd.Member{Name: node.Name, Version: version, Healthy: version != ""})
		p.Steps = append(p.Steps, plan.Step{Node: node, Action: actions[i], Want: engine.Metadata{}})
		want = append(want, plan.Blueprint{Doc: config.Document{Node: node, JSON: quadlet("v" + to)}})
	}
	return p, want, status
}

func TestCheck(t *testing.T) {
	command := func(target string, words ...string) string {
		return strings.Join(append([]string{"mage", target}, words...), " ")
	}
	const keep, recreate, create = plan.Keep, plan.Recreate, plan.Create
	for _, c := range []struct {
		runs, says string
		actions    []plan.Action
		to         string
		want       string // the note, or the beginning of the error
	}{
		{"3.6.16 3.6.16", "3.6.16 3.6.16", []plan.Action{recreate, recreate}, "3.6.17", ""},
		{"3.5.16 3.5.16", "3.5.16 3.5.16", []plan.Action{recreate, recreate}, "3.6.17", "etcd's members run 3.5.16, and new ones 3.6.17: they"},
		{"3.6.17 3.5.16", "3.6.17 3.5.16", []plan.Action{keep, recreate}, "3.6.17", "etcd's members run 3.5.16 to 3.6.17, and new ones 3.6.17: they"}, // of a run that ended before its end
		{"3.6.17 3.5.16", "3.6.17 3.5.16", []plan.Action{recreate, keep}, "3.5.16", "etcd's members run 3.5.16 to 3.6.17, and new ones 3.5.16: they"}, // and back
		{"3.6.17 3.6.17", "3.6.17 3.6.17", []plan.Action{recreate, recreate}, "3.5.16", "core01: its config brings etcd 3.5.16, which takes no part in an etcd whose members run 3.6.17\nhint: a new cluster takes the keys: `mage backup file=etcd.db`, "},
		{"3.6.17 -", "3.6.17 -", []plan.Action{keep, create}, "3.5.16", "core02: its config brings etcd 3.5.16, which takes no part"},
		{"3.4.9 3.5.16", "3.4.9 3.5.16", []plan.Action{recreate, recreate}, "3.6.17", "core01: its config brings etcd 3.6.17, and a member runs 3.4.9: etcd goes up one minor version at a time\nhint: first a config with etcd 3.5: `mage up recreate=changed`"},
		{"3.6.17 3.6.17", "3.6.17 3.6.17", []plan.Action{recreate, recreate}, "4.0.0", "core01: its config brings etcd 4.0.0, and the members run 3.6.17: etcd does not go from one to the other\nhint: a new cluster takes the keys: "},
		{"3.6.17 3.6.17", "3.6.17 3.6.17", []plan.Action{keep, keep}, "3.4.9", ""},          // nothing is made
		{"3.6.17 3.6.17", "3.5.16 3.5.16", []plan.Action{recreate, recreate}, "3.4.9", ""},  // the config does not decide what runs
		{"3.6.17 3.6.17", "- -", []plan.Action{recreate, recreate}, "3.4.9", ""},            // nobody knows whether it does
		{"3.6.17 3.6.17", "3.6.17 3.6.17", []plan.Action{recreate, recreate}, "latest", ""}, // no version
		{"- -", "3.6.17 3.6.17", []plan.Action{recreate, recreate}, "3.4.9", ""},            // nobody answers
	} {
		words := func(text string) (all []string) {
			for _, word := range strings.Fields(text) {
				all = append(all, strings.Trim(word, "-"))
			}
			return all
		}
		p, want, status := situation(t, words(c.runs), words(c.says), c.actions, c.to)
		got, err := Check(p, want, status, command)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: got %q", c, got)
		}
		p.Way = plan.NewGeneration // its members have nothing of those that run
		if note, err := Check(p, want, status, command); err != nil || note != "" {
			t.Errorf("%+v: a new cluster: got %s, %v", c, note, err)
		}
	}
}
