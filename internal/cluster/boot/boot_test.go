//go:build cgo && libvirt_dlopen

package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
)

// defined has two nodes that are defined on libvirt's in-process driver, and what boots them without a wait.
func defined(t *testing.T) (b Booter, steps []plan.Step) {
	t.Helper()
	conn, err := libvirt.Open("test:///default", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	ws := workspace.Workspace{Root: t.TempDir()}
	for _, node := range workspace.Nodes(ws.VM(), "core", 2) {
		save(t, node.Fresh(), "")
		save(t, node.Ignition(), "{}")
		text := fmt.Sprintf(`<domain type='test'><name>%s</name><uuid>%s</uuid>
			<metadata><node xmlns="urn:coreos-libvirt:node:1" workspace="%s" cluster="core" number="%d"/></metadata>
			<memory unit='MiB'>64</memory><os><type>hvm</type></os>
			<devices><interface type='network'><mac address='%s'/><source network='default'/></interface></devices></domain>`,
			node.Name, node.UUID, ws.Root, node.Number, node.MAC)
		if _, err := conn.Define(text); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Remove(node.UUID, ws.Root) })
		steps = append(steps, plan.Step{Node: node, Action: plan.Create})
	}
	silence := timeline.Silence{File: filepath.Join(t.TempDir(), "silences.json")}
	return Booter{
		Engine: conn, Nodes: reach.Nodes{Workspace: ws, Link: engine.Link{Network: "default"}, Engine: func() (engine.Engine, error) { return conn, nil }},
		Log: progress.New(&bytes.Buffer{}), Record: &timeline.Record{},
		Silence: func(string) timeline.Silence { return silence },
		Timeout: 10 * time.Minute, KeepGoing: true, Undo: func(context.Context, plan.Step) error { return nil },
	}, steps
}

// said is what the booter has said so far.
func said(b Booter) string { return b.Log.Writer().(*bytes.Buffer).String() }

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAllGoOnWhereOneFails: what was made for that one is taken back, and only that.
func TestAllGoOnWhereOneFails(t *testing.T) {
	b, steps := defined(t)
	if err := os.Mkdir(steps[0].Node.Console(), 0o755); err != nil { // where a file should be
		t.Fatal(err)
	}
	undone := ""
	b.Undo = func(_ context.Context, step plan.Step) error {
		undone += step.Node.Name
		return errors.New("something is left")
	}
	nodes, err := b.All(t.Context(), steps)
	if err == nil || !strings.HasPrefix(err.Error(), "core01: cannot begin the console log: ") || !strings.HasSuffix(err.Error(), "\nsomething is left") {
		t.Errorf("got %v", err)
	}
	if undone != "core01" || said(b) != "core02: booting\n" || nodes[0].Err == nil || nodes[1].Err != nil || nodes[1].Step.Node.Name != "core02" {
		t.Errorf("undone: %s, said: %s, got %+v", undone, said(b), nodes)
	}
}

// TestANodeThatIsToBeRecreatedIsLeftAlone: it neither starts nor is waited for.
func TestANodeThatIsToBeRecreatedIsLeftAlone(t *testing.T) {
	b, steps := defined(t)
	b.Ready = true
	steps[1].Action = plan.Recreate
	nodes, err := b.All(t.Context(), steps[1:])
	if err != nil || len(nodes) != 1 || nodes[0].Step.Node.Name != "core02" || said(b) != "" {
		t.Errorf("got %+v, %v\n%s", nodes, err, said(b))
	}
	if state, err := b.Engine.State("core02"); err != nil || state != engine.ShutOff {
		t.Errorf("got %s, %v", state, err)
	}
}

// speechless is an engine whose guests never report. libvirt's driver for tests has no channels to them.
type speechless struct{ *libvirt.Conn }

func (speechless) Channel(ctx context.Context, _, _ string) (engine.Channel, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// withoutReports is a booter whose nodes never report.
func withoutReports(b Booter) Booter {
	b.Ready, b.Engine = true, speechless{b.Engine.(*libvirt.Conn)}
	b.Nodes.Engine = func() (engine.Engine, error) { return b.Engine, nil }
	return b
}

// endOnceItRuns ends the domain as soon as it has been started.
func endOnceItRuns(e engine.Engine, name string) {
	for {
		state, err := e.State(name)
		if err != nil || state == engine.Running {
			_ = e.Destroy(name)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestKeepGoingIsOff: if one node fails, the other is not waited for any more.
func TestKeepGoingIsOff(t *testing.T) {
	for _, c := range []struct {
		keepGoing bool
		timeout   time.Duration
		want      string
	}{
		{false, 10 * time.Minute, "core02: not waited for any more: another node has failed, and keep_going=false\nhint: "},
		{true, 5 * time.Second, "core02: not ready after 5s\nhint: vm/core02/console.log shows how far it got; timeout= allows more time"},
	} {
		t.Run(strconv.FormatBool(c.keepGoing), func(t *testing.T) {
			b, steps := defined(t)
			b = withoutReports(b)
			b.KeepGoing, b.Timeout = c.keepGoing, c.timeout
			go endOnceItRuns(b.Engine, "core01")
			wantSoon(t, func() error {
				_, err := b.All(t.Context(), steps)
				if err == nil || !strings.HasPrefix(err.Error(), "core01: the domain is shut off; its console ends with:\n    (nothing)\nhint: ") {
					t.Errorf("got %v", err)
				}
				return err
			}, c.want)
		})
	}
}
