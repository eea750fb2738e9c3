package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coreos-libvirt/internal/bench"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// benchConfig is what nodes of `mage bench` get: no etcd, and a word that differs in each.
const benchConfig = `variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/hostname
      contents: {inline: Node_Name}
`

// Bench measures this project beside other tools, and writes what it finds into docs/performance.md.
func Bench(ctx context.Context, r *Run) error {
	if err := host.EnsurePackages(ctx, []string{"hyperfine", "virtinst", "libvirt-clients"}, r.log.Say); err != nil {
		return err
	}
	folder := r.ws().VM(".bench")
	defer func() { _ = os.RemoveAll(folder) }()
	subject, err := benchIn(ctx, r, folder)
	if err != nil {
		return err
	}
	sizes := []int{3, 10}
	if r.Full {
		sizes = append(sizes, 100)
	}
	results := []bench.Result{}
	for _, c := range subject.Cases(sizes) {
		r.log.Say("bench: %s, %d nodes", c.Name, c.Nodes)
		result, err := c.Measure(ctx, folder)
		if err != nil {
			return err
		}
		results = append(results, result)
		if err := keepFigures(r, results); err != nil { // after each: the last ones take longest
			return err
		}
	}
	r.log.Say("bench: docs/performance.md, docs/bench.svg\n%s", bench.Table(results))
	return nil
}

// benchIn makes the folder a workspace for what is measured.
func benchIn(ctx context.Context, r *Run, folder string) (bench.Subject, error) {
	self, err := os.Executable()
	subject := bench.Subject{Program: self, URI: r.URI, Butane: filepath.Join(folder, "butane")}
	err = errors.Join(err, os.RemoveAll(folder), os.MkdirAll(folder, 0o755),
		os.CopyFS(filepath.Join(folder, "templates"), os.DirFS(filepath.Join(r.Workspace, "templates"))),
		artifact.Write(filepath.Join(folder, "plain.yml"), []byte(benchConfig), 0o644))
	if err != nil {
		return subject, err
	}
	if err := needsGo("butane"); err != nil {
		return subject, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", subject.Butane, "github.com/coreos/butane/internal")
	build.Dir = r.Workspace
	script := exec.CommandContext(ctx, "sh", "-euc", fmt.Sprintf("qemu-img create -q -f qcow2 base.qcow2 64M; %s transpile config=plain.yml verify=off ready=off; cp vm/ignition-template.json template.json", self))
	script.Dir = folder
	for _, cmd := range []*exec.Cmd{build, script} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return subject, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
		}
	}
	return subject, nil
}

// keepFigures writes the figures where docs/performance.md has them, and their drawing beside it.
func keepFigures(r *Run, results []bench.Result) error {
	path := filepath.Join(r.Workspace, "docs", "performance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return hint.Errorf("git checkout docs/performance.md", "no page for the figures: %w", err)
	}
	about := fmt.Sprintf("%s, %s, %d processors, %s, load %s at the end:\n\n", time.Now().UTC().Format(time.DateOnly), launch.Release(r.Workspace), runtime.NumCPU(), distribution(), loadAverage())
	text, err := bench.Into(string(page), about+bench.Table(results)+"\n![Seconds by the number of nodes, for each row of the table](bench.svg)\n")
	if err != nil {
		return err
	}
	drawing, err := bench.Growth(results)
	if err == nil {
		err = errors.Join(artifact.Write(filepath.Join(filepath.Dir(path), "bench.svg"), drawing, 0o644), artifact.Write(path, []byte(text), 0o644))
	}
	return err
}

// loadAverage is how many processes want to run on average of a minute (proc_loadavg(5)).
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
