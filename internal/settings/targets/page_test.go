package targets

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/row"
)

var update = flag.Bool("update", false, "write docs/settings.md")

// hereOnly are defaults that are others on another machine, or for another user.
var hereOnly = map[string]string{"arch": "this machine's", "store": "/var/lib/libvirt/images/coreos-libvirt for root, else ~/.cache/coreos-libvirt"}

// cell is a text as a table of Markdown takes it.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "\n", " ").Replace(text)
}

// writeTargets is a table of all targets.
func writeTargets(w io.Writer) {
	fmt.Fprint(w, "## Targets\n\n| target | |\n| --- | --- |\n")
	for _, t := range All {
		fmt.Fprintf(w, "| `mage %s` | %s |\n", t.Name, strings.TrimSpace(cell(t.Does+" "+t.More)))
	}
}

// writeSettings is a table of the settings that are about one thing.
func writeSettings(w io.Writer, about string, keys []settings.Key) {
	fmt.Fprintf(w, "\n### %s\n\n| setting | default | meaning |\n| --- | --- | --- |\n", about)
	for _, key := range keys {
		value := key.Default
		if here, is := hereOnly[key.Name]; is {
			value = here
		}
		if key.Lab != "" {
			value += ", in the lab " + key.Lab
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", key.Name, cell(value), cell(key.Meaning))
	}
}

// page is docs/settings.md.
func page() []byte {
	out := &bytes.Buffer{}
	fmt.Fprint(out, "# Targets and settings\n\n"+
		"Made of the tables that the program itself has, by `go test ./internal/settings/targets -update`. `mage help up` says the same of one target,\n"+
		"`mage settings` what each setting is now and its source. A setting is a word behind the target (`nodes=5`), a variable of the environment\n"+
		"(`COREOS_NODES=5`), or, if it is not of one run only, a line of the cluster's file ([clusters](clusters.md)). [Exit statuses](exit-status.md).\n\n")
	writeTargets(out)
	fmt.Fprint(out, "\n## Settings\n")
	groups := map[string][]settings.Key{}
	order := []string{}
	keys := settings.Keys(settings.Environment{})
	slices.SortStableFunc(keys, func(a, b settings.Key) int { return row.Place(a.Name) - row.Place(b.Name) })
	for _, key := range keys {
		about := row.GroupOf(key.Name)
		if groups[about] == nil {
			order = append(order, about)
		}
		groups[about] = append(groups[about], key)
	}
	for _, about := range order {
		writeSettings(out, about, groups[about])
	}
	return out.Bytes()
}

// TestThePageIsInStep: docs/settings.md is what the tables say.
func TestThePageIsInStep(t *testing.T) {
	path := filepath.Join(root, "docs", "settings.md")
	if *update {
		if err := os.WriteFile(path, page(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, page()) {
		t.Errorf("%s is not what the tables say: go test ./internal/settings/targets -update writes it (%v)", path, err)
	}
}
