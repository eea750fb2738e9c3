package settings

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"coreos-libvirt/internal/settings/row"
)

// TestGroupsNameSettings: each once.
func TestGroupsNameSettings(t *testing.T) {
	seen := []string{}
	for _, g := range row.Groups {
		for _, key := range g.Keys {
			if !known(key) || slices.Contains(seen, key) {
				t.Errorf("%s: %s is no setting, or there twice", g.Name, key)
			}
			seen = append(seen, key)
		}
	}
}

// TestSettingsFitTheTerminal: every setting with its value and its whole meaning is there, and no line is too long.
func TestSettingsFitTheTerminal(t *testing.T) {
	s, err := Load([]string{"nodes=5", "image=https://example.org/" + strings.Repeat("x", 200), "discovery_user=root:secret", "var.A_Long_Word_Of_Mine_Indeed=v"}, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows("none.yml")
	if err != nil || len(rows) != len(names())+1 {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	for _, width := range []int{60, 80, 120} {
		out := &bytes.Buffer{}
		if err := row.PrintGroups(out, rows, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width {
				t.Errorf("wider than %d: %s", width, line)
			}
		}
		said := strings.Join(strings.Fields(out.String()), "")
		for _, r := range rows {
			if want := r.Name + r.Value + strings.Join(strings.Fields(r.Meaning), ""); r.Value != "" && !strings.Contains(said, want) {
				t.Errorf("%d: no %s in\n%s", width, want, out)
			}
		}
		for _, want := range []string{"CLUSTER", "YOURWORDS", "howmanynodes(commandline;default3)", "root:…"} {
			if !strings.Contains(said, want) {
				t.Errorf("%d: no %s in\n%s", width, want, out)
			}
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("a password is shown:\n%s", out)
		}
		if width == 80 {
			t.Logf("\n%s", out)
		}
	}
}
