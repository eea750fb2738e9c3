//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"
)

// filesOf are the node's files that say what it was made from, and the domain's definition.
func filesOf(t *testing.T, name string) (all string) {
	t.Helper()
	for _, file := range []string{"domain.xml", "defined.xml", "made.json", "fresh", "ignition.json"} {
		text, err := os.ReadFile("vm/" + name + "/" + file)
		if os.IsNotExist(err) {
			text = []byte("(none)")
		} else if err != nil {
			t.Fatal(err)
		}
		all += "\n" + file + ":\n" + string(text)
	}
	return all + "\nlibvirt:\n" + theDomain(t, name).XML
}

// A node that was defined before this run is as it was if libvirt refuses what this run wants of it, or does not start it.
func TestADefinedNodeIsPutBack(t *testing.T) {
	refused := func(t *testing.T) func() {
		tmpl, err := os.ReadFile("templates/domain.xml.tmpl")
		if err != nil {
			t.Fatal(err)
		}
		save(t, "templates/domain.xml.tmpl", strings.Replace(string(tmpl), "<on_crash>preserve<", "<on_crash>nonsense<", 1))
		return func() { save(t, "templates/domain.xml.tmpl", string(tmpl)) }
	}
	unstarted := func(t *testing.T) func() {
		if err := os.RemoveAll("vm/core01/console.log"); err != nil {
			t.Fatal(err)
		}
		save(t, "vm/core01/console.log/x", "a folder where a file should be")
		return func() { _ = os.RemoveAll("vm/core01/console.log") }
	}
	otherConfig := func(t *testing.T) { save(t, "plain.yml", strings.Replace(plain, "Node_Name", "Node_Number", 1)) }
	for what, c := range map[string]struct {
		booted bool
		change func(*testing.T)
		words  string
		fails  func(*testing.T) func()
		says   string
	}{
		"never booted, another config, refused":     {false, otherConfig, "disk=1", refused, "libvirt refuses the definition"},
		"never booted, another config, not started": {false, otherConfig, "disk=1", unstarted, "cannot begin the console log"},
		"never booted, another disk, not started":   {false, func(*testing.T) {}, "disk=2", unstarted, "cannot begin the console log"},
		"never booted, more memory, not started":    {false, func(*testing.T) {}, "ram=512", unstarted, "cannot begin the console log"},
		"with data, more memory, refused":           {true, func(*testing.T) {}, "ram=512", refused, "libvirt refuses the definition"},
		"with data, more memory, not started":       {true, func(*testing.T) {}, "ram=512", unstarted, "cannot begin the console log"},
	} {
		t.Run(what, func(t *testing.T) {
			inClone(t)
			r := run(t, "nodes=1")
			through(t, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define)
			r.unlockAll()
			if c.booted {
				bootDomain(t, "core01")
				stopAll(t)
			}
			before, size := filesOf(t, "core01"), sizeOf(t)
			c.change(t)
			mend := c.fails(t)
			said, err := up(t, "nodes=1", c.words)
			if err == nil || !strings.Contains(err.Error(), "core01: ") || !strings.Contains(err.Error(), c.says) || !strings.Contains(said, "core01: taken back") {
				t.Errorf("got %v\n%s", err, said)
			}
			if after := filesOf(t, "core01"); after != before {
				t.Errorf("there was\n%s\nthere is\n%s", before, after)
			}
			if now := sizeOf(t); now != size {
				t.Errorf("its disk has %d GiB, it had %d", now, size)
			}
			if c.booted {
				keepsData(t, "core01")
			}
			mend()
			if said := mustUp(t, "nodes=1", c.words); !strings.Contains(said, "core01: booting") {
				t.Errorf("got\n%s", said)
			}
			if c.booted {
				keepsData(t, "core01")
			}
		})
	}
}

func sizeOf(t *testing.T) int64 {
	t.Helper()
	size, _ := diskSize(t, "core01")
	return size
}
