package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/fatih/color"
	"github.com/nxadm/tail"

	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/printable"
)

// colours are those of the nodes' names, in turn.
var colours = []color.Attribute{color.FgCyan, color.FgYellow, color.FgGreen, color.FgMagenta, color.FgBlue, color.FgRed}

// Logs prints what nodes wrote on their consoles, of node= or of all; follow=true goes on with what
// comes. Lines of several nodes begin with the node's name. Escape sequences are left out.
func (r *Run) Logs(ctx context.Context) error {
	nodes, err := r.chosenNodes()
	if err != nil {
		return err
	}
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, d := range nodes {
		prefix := ""
		if len(nodes) > 1 {
			prefix = color.New(colours[i%len(colours)]).Sprint(d.Name) + " "
		}
		path := cluster.NodeAt(r.vm(), d.Metadata.Cluster, d.Metadata.Number).Console()
		if !r.Follow {
			errs[i] = r.printLog(path, prefix)
			continue
		}
		all.Go(func() { errs[i] = r.followLog(ctx, path, prefix) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (r *Run) printLog(path, prefix string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // never booted
	}
	if err != nil {
		return fmt.Errorf("cannot read the console log: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.log.Say("%s%s", prefix, printable.Line(line))
		}
		if err != nil {
			return nil //nolint:nilerr // the end
		}
	}
}

func (r *Run) followLog(ctx context.Context, path, prefix string) error {
	following, err := tail.TailFile(path, tail.Config{Follow: true, ReOpen: true, Logger: tail.DiscardingLogger})
	if err != nil {
		return fmt.Errorf("cannot follow the console log: %w", err)
	}
	defer following.Cleanup()
	for {
		select {
		case <-ctx.Done():
			return following.Stop()
		case line, more := <-following.Lines:
			if !more {
				return following.Err()
			}
			r.log.Say("%s%s", prefix, printable.Line(line.Text))
		}
	}
}
