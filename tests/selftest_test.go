//go:build lab

package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
)

// selftested runs selftest on each of the lab's images: all of the table holds, and nothing is left but the report, which
// has no secrets.
func selftested(t *testing.T, c clone) {
	for _, image := range guestimage.Names {
		out := c.mage(t, "lab", "selftest", "image="+image)
		if !regexp.MustCompile(`\n\d+ of \d+ facts hold; wrong: 0, `).MatchString(out) || !strings.Contains(out, "\npanic             holds ") {
			t.Errorf("%s: got\n%s", image, out)
		}
		path := filepath.Join(c.dir, "vm", "selftest-"+image+".md")
		report, err := os.ReadFile(path)
		distributor.Must(t, err)
		for _, secret := range []string{"10.77.0.", "52:54:00:", "AAAA", c.dir} {
			if strings.Contains(string(report), secret) {
				t.Errorf("%s: the report has %s:\n%s", image, secret, report)
			}
		}
		distributor.Must(t, os.Remove(path))
		c.nothingIsLeft(t)
	}
	c.mage(t, "lab", "define", "nodes=1", "prefix=selftest")
	if out, err := c.try("lab", "selftest"); err == nil || !strings.Contains(out, "there is the domain selftest01 and vm/selftest01 already") {
		t.Errorf("a cluster of that name: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true") // with the template, which prefix= leaves
	c.nothingIsLeft(t)
}
