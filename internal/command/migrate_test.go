package command

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/config/transpile"
)

// What says something else than the config that it is made from is not kept; what Butane refuses is.
func TestMigratedSaysTheSame(t *testing.T) {
	const clc = "storage:\n  files:\n    - {filesystem: root, path: /etc/a, mode: 0644, contents: {inline: \"\\na\\n\"}}\n"
	before, err := transpile.Text("old.yml", []byte(clc), "nowhere")
	if err != nil {
		t.Fatal(err)
	}
	const head = "variant: flatcar\nversion: 1.1.0\nstorage:\n  files:\n    - path: /etc/a\n      mode: 0644\n      overwrite: true\n      contents:\n        inline: "
	for _, c := range []struct{ text, refused, err string }{
		{head + "\"\\na\\n\"\n", "", ""},
		{head + "\"a\\n\"\n", "", "+     \"source\": \"\\\"a"},
		{head + "\"\\na\\n\"\n      append: 3\n", "old.bu:", ""},
	} {
		refused, err := saysTheSame("old.bu", []byte(c.text), before)
		for _, both := range []struct {
			got  error
			want string
		}{{refused, c.refused}, {err, c.err}} {
			got, want := both.got, both.want
			if (got != nil) != (want != "") || got != nil && (!strings.Contains(got.Error(), want) || !strings.Contains(got.Error(), "hint: ")) {
				t.Errorf("%s: got %v, want %q", c.text, got, want)
			}
		}
	}
}
