package config

import (
	"strings"
	"testing"
)

// What only is wrong once the words are replaced, or configs are merged, is said of the user's own file, line and column.
func TestLocated(t *testing.T) {
	files := head + "storage:\n  files:\n"
	for name, c := range map[string]struct {
		config, overlay, value string
		want                   string
	}{
		"a path": {
			config: files + "  - path: /etc/a\n  - path: /My_Word\n", value: "../x",
			want: "core01: a.yml:6:11: error: path is not fully simplified: with its words replaced it is \"/../x\"\n" +
				"    6 |   - path: /My_Word\n      |           ^\nhint: the value of My_Word makes it so",
		},
		"a URL": {
			config: files + "  - path: /etc/a\n    contents:\n      source: http://My_Word/x\n", value: "%zz",
			want: "core01: a.yml:7:15: error: unable to parse url: with its words replaced it is \"http://%zz/x\"\n",
		},
		"twice in one file": {
			config: files + "  - path: /etc/x\n  - path: /etc/My_Word\n", value: "x",
			want: "core01: a.yml:6:5: error: /etc/x is there already, at a.yml:5:5\n    6 |   - path: /etc/My_Word\n      |     ^\nhint: leave out one of the two",
		},
		"twice in two": {
			config: files + "  - path: /etc/x\n", overlay: files + "  - path: /etc/a\n  - path: /etc/My_Word\n", value: "x",
			want: "core01: nodes/core01.yml:6:5: error: /etc/x is there already, at a.yml:5:5\n    6 |   - path: /etc/My_Word\n",
		},
		"a user": {
			config: head + "passwd:\n  users:\n  - name: core\n  - {name: My_Word}\n", value: "core",
			want: "core01: a.yml:6:5: error: core is there already, at a.yml:5:5\n",
		},
		"in an overlay": {
			config: files + "  - path: /etc/a\n", overlay: files + "  - path: My_Word\n", value: "/../x",
			want: "nodes/core01.yml:5:11: error: ",
		},
		"a Container Linux Config": {
			config: "storage:\n  files:\n  - {filesystem: root, path: /etc/a, mode: 0644}\n  - {filesystem: root, path: /My_Word, mode: 0644}\n", value: "../x",
			want: "core01: a.yml:4:30: error: path is not fully simplified",
		},
		"what only the document has": {
			config: "networkd:\n  units:\n  - {name: a.network, contents: x}\nstorage:\n  files:\n  - {filesystem: root, path: /etc/systemd/network/My_Word, mode: 0644}\n", value: "a.network",
			want: "core01: a.yml: the document is refused by Ignition: storage.files[1] (/etc/systemd/network/a.network): duplicate entry defined",
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := map[string]string{"a.yml": c.config}
			if c.overlay != "" {
				folder["nodes/core01.yml"] = c.overlay
			}
			inFolder(t, folder)
			o := options("a.yml")
			o.Vars = func(string) (map[string]string, error) { return map[string]string{"My_Word": c.value}, nil }
			_, err := Read(o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "\nhint: ") {
				t.Fatalf("got %v\nwant %s, and a hint", err, c.want)
			}
			if strings.Contains(err.Error(), "$.") || strings.Contains(err.Error(), " col ") {
				t.Errorf("it names a place of a document that nobody has:\n%v", err)
			}
		})
	}
}
