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

// benchPackages are what `mage bench` measures with, and beside.
var benchPackages = []string{"hyperfine", "virtinst", "libvirt-clients", "qemu-utils", "curl", "gnupg", "gpgv", "xz-utils"}

// Bench measures this project beside other tools, and writes what it finds into docs/performance.md.
func Bench(ctx context.Context, r *Run) (err error) {
	if err := host.EnsurePackages(ctx, benchPackages, r.log.Say); err != nil {
		return err
	}
	folder := r.ws().VM(".bench")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	subject := bench.Subject{Program: self, URI: r.URI, Butane: filepath.Join(folder, "butane")}
	if err := endBench(ctx, subject, folder); err != nil { // of a run that was killed
		return err
	}
	defer func() { err = errors.Join(err, endBench(ctx, subject, folder)) }()
	if err := benchIn(ctx, r, subject, folder); err != nil {
		return err
	}
	if err := besideVagrant(ctx, r, &subject, folder); err != nil {
		return err
	}
	r.log.Say("bench: an image for fetch is made, and served on this machine")
	server, err := subject.ServeImage(ctx, folder, bench.ImageMiB)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	return measure(ctx, r, subject, folder)
}

// measure measures case by case, and keeps the figures after each: the last ones take longest.
func measure(ctx context.Context, r *Run, subject bench.Subject, folder string) error {
	sizes := []int{3, 10}
	if r.Full {
		sizes = append(sizes, 100)
	}
	results := []bench.Result{}
	for _, c := range subject.Cases(sizes) {
		r.log.Say("bench: %s", c)
		result, err := c.Measure(ctx, folder)
		if err != nil {
			return err
		}
		results = append(results, result)
		if err := keepFigures(r, results); err != nil {
			return err
		}
	}
	r.log.Say("bench: docs/performance.md, docs/bench.svg\n%s", bench.Table(results))
	return nil
}

// besideVagrant makes what vagrant-libvirt needs, if it is installed.
func besideVagrant(ctx context.Context, r *Run, subject *bench.Subject, folder string) error {
	err := subject.MakeVagrant(ctx, folder)
	if errors.Is(err, bench.ErrNoVagrant) {
		r.log.Say("bench: the rows beside vagrant-libvirt are left out: %v (hint: `sudo apt-get install --no-install-recommends vagrant-libvirt`)", err)
		return nil
	}
	return err
}

// endBench removes what is measured from libvirt, and then the folder, also if the run was interrupted.
func endBench(ctx context.Context, subject bench.Subject, folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastDown)
	defer cancel()
	if err := subject.Clean(ctx, folder); err != nil {
		return fmt.Errorf("bench: not all of its nodes could be removed, %s is kept for the next run: %w", folder, err)
	}
	return errors.Join(os.RemoveAll(filepath.Join(folder, "vm")), os.RemoveAll(folder)) // without vm/ there is nothing more to clean
}

// benchIn makes the folder a workspace for what is measured.
func benchIn(ctx context.Context, r *Run, subject bench.Subject, folder string) error {
	err := errors.Join(os.MkdirAll(folder, 0o755),
		os.CopyFS(filepath.Join(folder, "templates"), os.DirFS(filepath.Join(r.Workspace, "templates"))),
		artifact.Write(filepath.Join(folder, "plain.yml"), []byte(benchConfig), 0o644))
	if err != nil {
		return err
	}
	if err := needsGo("butane"); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", subject.Butane, "github.com/coreos/butane/internal")
	build.Dir = r.Workspace
	script := exec.CommandContext(ctx, "sh", "-euc", fmt.Sprintf("qemu-img create -q -f qcow2 base.qcow2 64M; %s transpile config=plain.yml verify=off ready=off; cp vm/ignition-template.json template.json", subject.Program))
	script.Dir = folder
	for _, cmd := range []*exec.Cmd{build, script} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
		}
	}
	return nil
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
