//go:build cgo && libvirt_dlopen

package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"coreos-libvirt/internal/workspace/session"
)

// putTest makes the file a test.
func putTest(t *testing.T, path, script string) {
	t.Helper()
	save(t, path, script)
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestCheckSaysWhatItWants before it reaches a node.
func TestCheckSaysWhatItWants(t *testing.T) {
	inClone(t)
	refuses(t, "tests has no tests\nhint: put an executable there, as tests/basic", Check)
	putTest(t, "tests/basic", "#!/bin/sh\n## kola:\n##   tag: slow\n")
	refuses(t, "tests/basic:3:6: error: there is no key tag\n", Check)
	putTest(t, "tests/basic", "#!/bin/sh\n## kola:\n##   tags: slow\n")
	refuses(t, "test=basik: there is no such test\nhint: did you mean test=basic ?", Check, "test=basik")
	refuses(t, "test= tags=fast: none of the 1 test of tests is meant", Check, "tags=fast")
	refuses(t, "there are no nodes\nhint: ", Check)
	mustUp(t, "nodes=2")
	halt(t, "core02")
	refuses(t, "core02 is shut off\nhint: `", Check)
	refuses(t, "node=core07 is not a node of this workspace", Check, "node=core07")
}

// TestCheckOfNodesThatNobodyReaches fails for each, and the report is JUnit's.
func TestCheckOfNodesThatNobodyReaches(t *testing.T) {
	inClone(t)
	withoutSSH(t)
	mustUp(t, "nodes=2")
	putTest(t, "tests/files/one", "#!/bin/sh\n## kola:\n##   nodes: one\n##   minMemory: 4096\n")
	putTest(t, "tests/two/test.sh", "#!/bin/sh\n")
	r, said := run(t, "format=junit"), bytes.Buffer{}
	r.out = &said
	if err := Check(t.Context(), r); !errors.Is(err, session.ExitStatus(1)) {
		t.Errorf("got %v", err)
	}
	suites, err := junit.Ingest(said.Bytes())
	if err != nil || len(suites) != 2 || suites[0].Totals.Failed != 2 || suites[1].Totals.Failed != 1 {
		t.Errorf("got %v, %v of\n%s", suites, err, said.String())
	}
	for _, want := range []string{"files.one: minMemory has no effect here: nodes are as the cluster's settings make them: `ram=`\n", "core02 two: failed: ", "check: 0 passed, 3 failed, 0 skipped\n"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}

// TestCI fails at the part that fails, keeps what tells why, and leaves nothing of the cluster.
func TestCI(t *testing.T) {
	inClone(t)
	withoutSSH(t)
	putTest(t, "tests/basic", "#!/bin/sh\n")
	r, said := run(t, "nodes=1", "verify=off", "format=tap"), bytes.Buffer{}
	defer r.unlockAll()
	r.out = &said
	err := CI(t.Context(), r)
	if !errors.Is(err, session.ExitStatus(checkFailed)) || !strings.HasPrefix(said.String(), "TAP version 13\n1..1\nnot ok 1 - core01 basic\n") {
		t.Errorf("got %v, %s\n%s", err, said.String(), r.said())
	}
	for _, want := range []string{"ci: verify is well", "ci: up is well", "core01 basic: failed: ", "ci: check failed\n", "ci: vm/ci.core/ci.tar.gz has consoles, journals and results\n", "core01: domain removed", "ci: down is well"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
	if got := names(t); len(got) > 0 {
		t.Errorf("libvirt has %v", got)
	}
	if got := inArchive(t, "vm/ci.core/ci.tar.gz"); !slices.Contains(got, "ci.core/check.xml") || !slices.Contains(got, "ci.core/ci.txt") || slices.ContainsFunc(got, func(name string) bool { return strings.Contains(name, "ignition") }) {
		t.Errorf("the archive has %v", got)
	}
	entries, err := os.ReadDir("vm")
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "core") {
			t.Errorf("left: vm/%s", entry.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestCIOfAConfigThatIsWrong makes nothing, and says that by its exit status.
func TestCIOfAConfigThatIsWrong(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", "variant: fcos\nversion: 1.5.0\nstorag: {}\n")
	r := run(t, "nodes=1")
	defer r.unlockAll()
	if err := CI(t.Context(), r); !errors.Is(err, session.ExitStatus(verifyFailed)) || !strings.Contains(r.said(), "ci: verify failed: plain.yml:3:1: error: ") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if got := names(t); len(got) > 0 {
		t.Errorf("libvirt has %v", got)
	}
}

// TestCILeavesOthersClustersAlone, and with keep=true its own.
func TestCILeavesOthersClustersAlone(t *testing.T) {
	inClone(t)
	withoutSSH(t)
	mustUp(t, "nodes=1")
	refuses(t, "core01 is there already, and ci would remove it at its end; nothing was done\nhint: ", CI, "nodes=1")
	putTest(t, "tests/basic", "#!/bin/sh\n")
	r := run(t, "nodes=1", "verify=off", "keep=true", "archive=kept.tar.gz")
	defer r.unlockAll()
	if err := CI(t.Context(), r); !errors.Is(err, session.ExitStatus(checkFailed)) || !strings.Contains(r.said(), "ci: keep=true: the nodes stay; `") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if got := names(t); !slices.Equal(got, []string{"core01"}) {
		t.Errorf("libvirt has %v", got)
	}
	if got := inArchive(t, "kept.tar.gz"); !slices.Contains(got, "ci.core/check.json") {
		t.Errorf("the archive has %v", got)
	}
}

// names are those of the domains that are nodes of the workspace.
func names(t *testing.T) (all []string) {
	t.Helper()
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.ws().Members(domains, "") {
		all = append(all, d.Name)
	}
	return all
}

// inArchive are the names in a compressed archive.
func inArchive(t *testing.T, path string) (all []string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(unpacked); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, header.Name)
	}
}
