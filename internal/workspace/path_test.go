package workspace

import (
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	for path, c := range map[string]struct{ ssh, qemu string }{
		"/w/coreos-libvirt":             {},
		"/w/a [b] (c) 100% $HOME ~#;é*": {},
		"/w/a,b":                        {"", ","},
		"/w/o'neill":                    {"", "'"},
		"/w/a&b":                        {"", "&"},
		"/w/<a":                         {"", "<"},
		"/w/${HOME}":                    {"${", "${"},
		`/w/"a"`:                        {`"`, `"`},
		`/w/a\b`:                        {`\`, `\`},
		"/w/a\nb":                       {"a control character", "a control character"},
		"/w/\xff":                       {"not UTF-8", "not UTF-8"},
	} {
		for qemu, want := range map[bool]string{false: c.ssh, true: c.qemu} {
			err := CheckPath(path, qemu)
			if want == "" && err == nil {
				continue
			}
			if want == "" || err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "\nhint: mv ") {
				t.Errorf("%q, qemu %t: want %q, got %v", path, qemu, want, err)
			}
		}
	}
}
