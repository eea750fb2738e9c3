package kubernetes

import (
	"go/format"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestVersionsAreThoseOfTheModules: what is replaced is of the same release, and go.sum has the bytes.
func TestVersionsAreThoseOfTheModules(t *testing.T) {
	_, minor, _ := strings.Cut(Version, ".")
	staging := "v0." + minor
	for name, c := range map[string]struct{ module, version, replaced, by string }{
		"kubernetes": {"k8s.io/kubernetes", Version, `k8s\.io/\S+`, staging},
		"kubevirt":   {"kubevirt.io/kubevirt", VirtVersion, `kubevirt\.io/\S+`, VirtVersion},
	} {
		mod, errMod := modules.ReadFile("modules/" + name + ".mod")
		sum, errSum := modules.ReadFile("modules/" + name + ".sum")
		if errMod != nil || errSum != nil {
			t.Fatal(errMod, errSum)
		}
		if !strings.Contains(string(mod), c.module+" "+c.version) || !strings.Contains(string(sum), c.module+" "+c.version+" h1:") {
			t.Errorf("%s is not of %s %s", name, c.module, c.version)
		}
		replaced := regexp.MustCompile(`(?m)^\t(`+c.replaced+`) => (\S+) (\S+)$`).FindAllStringSubmatch(string(mod), -1)
		if len(replaced) < 2 {
			t.Errorf("%s replaces %d modules", name, len(replaced))
		}
		for _, line := range replaced {
			if line[2] != line[1] || line[3] != c.by {
				t.Errorf("%s: %s is replaced by %s %s, not %s", name, line[1], line[2], line[3], c.by)
			}
		}
	}
}

// TestSourcesAreGo: no other tool looks at them.
func TestSourcesAreGo(t *testing.T) {
	files, err := fs.Glob(parts, "parts/*.go.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := parts.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if formatted, err := format.Source(text); err != nil || string(formatted) != string(text) {
			t.Errorf("%s is not as gofmt writes it: %v", file, err)
		}
	}
}

// TestDigest: a set is built again if and only if something of it is another.
func TestDigest(t *testing.T) {
	if kubevirt.digest() == own.digest() || kubernetes.digest() == kubevirt.digest() {
		t.Error("two sets have the same folder")
	}
	fewer := kubernetes
	fewer.packages = fewer.packages[1:]
	if fewer.digest() == kubernetes.digest() {
		t.Error("the digest is not of what is built")
	}
}
