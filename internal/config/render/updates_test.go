package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/vincent-petithory/dataurl"

	"coreos-libvirt/internal/config/transpile"
)

// masked are the units that the document masks.
func masked(t *testing.T, doc []byte) (names []string) {
	t.Helper()
	config, problems, err := v3_4.ParseCompatibleVersion(doc)
	if err != nil {
		t.Fatal(err, problems)
	}
	for _, unit := range config.Systemd.Units {
		if unit.Mask != nil && *unit.Mask {
			names = append(names, unit.Name)
		}
	}
	return names
}

func TestWithoutUpdates(t *testing.T) {
	doc := butane(t, "storage:\n  files:\n  - {path: /etc/x, contents: {inline: Node_Name}}\n")
	fcos, own, err := WithoutUpdates(doc, "fcos")
	if err != nil || own {
		t.Fatal(own, err)
	}
	if got := contentsOf(t, fcos, ZincatiFile); got != "[updates]\nenabled = false\n" {
		t.Errorf("Zincati reads %q", got)
	}
	if got := masked(t, fcos); len(got) > 0 {
		t.Errorf("Fedora CoreOS: %v are masked", got)
	}
	flatcar, own, err := WithoutUpdates(doc, "flatcar")
	if err != nil || own {
		t.Fatal(own, err)
	}
	if got := fmt.Sprint(masked(t, flatcar)); got != "[update-engine.service locksmithd.service]" || strings.Contains(string(flatcar), "zincati") {
		t.Errorf("Flatcar: %s are masked in\n%s", got, flatcar)
	}
	for version := range specs {
		for _, system := range []string{"fcos", "flatcar"} {
			got, _, err := WithoutUpdates(fmt.Appendf(nil, `{"ignition":{"version":%q}}`, version), system)
			if err == nil {
				err = Validate(got)
			}
			if is, _ := Version(got); err != nil || is != version {
				t.Errorf("%s %s: version %s, %v", system, version, is, err)
			}
		}
	}
}

// What a config has of its own is not touched; what only resembles that is.
func TestOwnSettingsOfUpdatesWin(t *testing.T) {
	file := func(path, text string) string {
		return fmt.Sprintf("storage:\n  files:\n  - {path: %s, contents: {inline: %q}}\n", path, text)
	}
	unit := func(name, what string) string {
		return fmt.Sprintf("systemd:\n  units:\n  - {name: %s, %s}\n", name, what)
	}
	remote := "storage:\n  files:\n  - {path: /etc/zincati/config.d/55-x.toml, contents: {source: \"http://10.0.0.1/x\"}}\n"
	link := "storage:\n  links:\n  - {path: /etc/zincati/config.d/10-auto-updates.toml, target: /dev/null}\n"
	long := strings.Repeat("# a comment that makes Butane zip it\n", 100)
	nested := func(doc string) string {
		return fmt.Sprintf("ignition:\n  config:\n    merge:\n    - {source: %q}\n", dataurl.EncodeBytes([]byte(doc)))
	}
	for name, c := range map[string]struct {
		text          string
		fcos, flatcar bool // whether it has its own
	}{
		"nothing":                          {"", false, false},
		"enabled":                          {file("/etc/zincati/config.d/51-x.toml", "[updates]\nenabled = true\n"), true, false},
		"disabled":                         {file("/etc/zincati/config.d/90-disable-auto-updates.toml", "[updates]\nenabled = false\n"), true, false},
		"a strategy":                       {file("/etc/zincati/config.d/55-x.toml", long+"[updates]\nstrategy = \"periodic\"\n"), true, false},
		"with points":                      {file("/etc/zincati/config.d/55-x.toml", "updates.enabled = true\n"), true, false},
		"a link":                           {link, true, false},
		"from elsewhere":                   {remote, true, false},
		"only an identity":                 {file("/etc/zincati/config.d/55-x.toml", "[identity]\nrollout_wariness = 0.5\n"), false, false},
		"not what Zincati reads":           {file("/etc/zincati/config.d/55-x.yaml", "[updates]\nenabled = true\n"), false, false},
		"Zincati's unit":                   {unit("zincati.service", "enabled: false"), true, false},
		"a drop-in of Zincati's":           {unit("zincati.service", "dropins: [{name: x.conf, contents: \"[Unit]\\n\"}]"), true, false},
		"update-engine's unit":             {unit("update-engine.service", "enabled: true"), false, true},
		"locksmith's unit, masked":         {unit("locksmithd.service", "mask: true"), false, true},
		"locksmith's unit, a drop-in":      {unit("locksmithd.service", "dropins: [{name: x.conf, contents: \"[Unit]\\n\"}]"), false, true},
		"a unit that names locksmith's":    {unit("x.service", "contents: \"[Unit]\\nBefore=locksmithd.service\\n\""), false, true},
		"a script that is about it":        {file("/etc/x", long+"systemctl stop update-engine.service\n"), false, true},
		"a link in place of a unit":        {"storage:\n  links:\n  - {path: /etc/systemd/system/locksmithd.service, target: /dev/null}\n", false, true},
		"update.conf":                      {file("/etc/flatcar/update.conf", "REBOOT_STRATEGY=off\n"), false, true},
		"in a config that it carries":      {nested(`{"ignition":{"version":"3.0.0"},"systemd":{"units":[{"name":"locksmithd.service","enabled":true}]}}`), false, true},
		"in a config that it carries, too": {nested(`{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"/etc/zincati/config.d/1.toml","contents":{"source":"data:,%5Bupdates%5D"}}]}}`), true, false},
	} {
		doc := butane(t, c.text)
		for system, want := range map[string]bool{"fcos": c.fcos, "flatcar": c.flatcar} {
			got, own, err := WithoutUpdates(doc, system)
			if err != nil || own != want || own != (string(got) == string(doc)) {
				t.Errorf("%s, %s: own is %t, %v\n%s", name, system, own, err, got)
			}
		}
	}
}

// A Container Linux Config's sections update and locksmith are the user's own settings, too.
func TestOwnSettingsOfUpdatesInAContainerLinuxConfig(t *testing.T) {
	for text, want := range map[string]bool{
		"update:\n  group: stable\n":                                     true,
		"locksmith:\n  reboot_strategy: \"off\"\n":                       true,
		"systemd:\n  units:\n  - {name: locksmithd.service, mask: true}": true,
		"systemd:\n  units:\n  - {name: x.service, mask: true}":          false,
	} {
		path := filepath.Join(t.TempDir(), "ignition.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		template, err := transpile.File(path, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, own, err := WithoutUpdates(template.JSON, "flatcar"); err != nil || own != want {
			t.Errorf("%q: own is %t, %v\n%s", text, own, err, template.JSON)
		}
	}
}
