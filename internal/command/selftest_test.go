//go:build cgo && libvirt_dlopen

package command

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/blueprint"

	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/session"
)

func TestSelftestRefusesWhatItWouldRemove(t *testing.T) {
	inClone(t)
	save(t, "vm/selftest01/console.log", "mine")
	err := Selftest(t.Context(), run(t))
	if err == nil || !strings.Contains(err.Error(), "there is vm/selftest01 already\nhint: `mage down prefix=selftest` removes") {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile("vm/selftest01/console.log"); string(text) != "mine" {
		t.Error("the folder was changed")
	}
	if err := os.RemoveAll("vm/selftest01"); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "prefix=selftest", "nodes=1")
	if err := Selftest(t.Context(), run(t)); err == nil || !strings.Contains(err.Error(), "the domain selftest01 and vm/selftest01") {
		t.Errorf("got %v", err)
	}
	if domains, err := run(t).domains(); err != nil || domains["selftest01"].Name == "" {
		t.Errorf("the domain is gone: %v", err)
	}
}

// TestSelftestOfANodeThatNeverSpeaks: libvirt's test driver boots nothing. The rest still goes on, and down runs.
func TestSelftestOfANodeThatNeverSpeaks(t *testing.T) {
	inClone(t)
	if err := os.Rename("base.qcow2", "fcos.qcow2"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COREOS_IMAGE", "fcos.qcow2")
	r := run(t, "timeout=1s")
	err := Selftest(t.Context(), r)
	if exit := session.ExitStatus(0); !errors.As(err, &exit) || exit != 1 {
		t.Fatalf("want exit status 1, got %v\n%s", err, r.said())
	}
	said := r.said()
	for _, want := range []string{"\nready             wrong ", "not known: 5", "\ndown              holds ", "vm/selftest-fcos.qcow2.md has it"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	report, err := os.ReadFile("vm/selftest-fcos.qcow2.md")
	if err != nil || !strings.Contains(string(report), "| ready | wrong |") || strings.Contains(string(report), r.Workspace) {
		t.Errorf("%v\n%s", err, report)
	}
	if left, _ := os.ReadDir("vm"); slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() == "selftest01" || e.Name() == "ssh.selftest" }) {
		t.Errorf("left: %v", left)
	}
}

// interrupting does something when a line with a text is written.
type interrupting struct {
	bytes.Buffer
	at string
	do func()
}

func (i *interrupting) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(i.at)) {
		i.do()
	}
	return i.Buffer.Write(p)
}

func TestSelftestInterrupted(t *testing.T) {
	inClone(t)
	if err := os.Rename("base.qcow2", "flatcar.qcow2"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("COREOS_IMAGE", "flatcar.qcow2")
	ctx, interrupt := context.WithCancel(t.Context())
	r := run(t, "timeout=10m")
	out := &interrupting{at: "selftest01: booting", do: interrupt}
	r.log = progress.New(out)
	if err := Selftest(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if said := out.String(); !strings.Contains(said, "\n1 of ") || !strings.Contains(said, " facts hold; wrong: 0, ") {
		t.Errorf("what is seen after the interruption is told:\n%s", said)
	}
	if domains, err := run(t).domains(); err != nil || domains["selftest01"].Name != "" {
		t.Errorf("the domain is left: %v", err)
	}
	if reports, _ := os.ReadDir("vm"); slices.ContainsFunc(reports, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".md") }) {
		t.Error("half a report was written")
	}
}

func TestSelftestKnowsTheDistribution(t *testing.T) {
	for _, test := range []struct {
		image string
		on    base.Image
		want  facts.Distribution
	}{
		{"lab", base.Image{Image: labImage("lab")}, facts.Lab},
		{"lab-flatcar", base.Image{Image: stream.Image{OS: "flatcar"}}, facts.LabFlatcar},
		{"fcos-stable", base.Image{Image: stream.Image{OS: "fcos"}}, facts.FCOS},
		{"/images/flatcar_production_qemu.img", base.Image{Path: "/images/flatcar_production_qemu.img"}, facts.Flatcar},
		{"/images/x.qcow2", base.Image{Path: "/images/x.qcow2"}, ""},
	} {
		r := run(t, "image="+test.image)
		if got := distributionOf(r.Image, blueprint.SystemOn(test.on, "")); got != test.want {
			t.Errorf("%s: got %q", test.image, got)
		}
	}
}
