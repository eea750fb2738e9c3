package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/check"
	"coreos-libvirt/internal/guest/check/report"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// Exit statuses of `mage ci`: the first of its parts that failed (docs/exit-status.md).
const (
	verifyFailed = 3 + iota
	upFailed
	checkFailed
	downFailed
)

const (
	// journalPatience is how long a node may take to give its journal, and mostJournal how much of that is kept, in bytes.
	journalPatience = 2 * time.Minute
	mostJournal     = 64 << 20
)

// integration is one run of `mage ci`.
type integration struct {
	run     *Run // of the command line, which prints
	inside  *Run // of the cluster: what its parts print is said beside
	results []check.Result
	failed  session.ExitStatus // 0: nothing
	why     bytes.Buffer       // what failed, for the archive
}

// CI is verify, up, check and down of a cluster that there is not before. A session.ExitStatus says which part failed first. Down is also
// done after a failure, and not with keep=true.
func CI(ctx context.Context, r *Run) error {
	if r.Copies > 0 {
		return hint.Errorf("keep=true", "keep=%d: a number is of snapshots, which ci does not make", r.Copies)
	}
	inside, err := beside(ctx, r, About{Cluster: true, Libvirt: true}, "prefix="+r.Prefix, "format=table", "yes=true", "keep_going=true")
	if err != nil {
		return err
	}
	if err := untaken(inside); err != nil {
		return err
	}
	c := &integration{run: r, inside: inside}
	if c.part(ctx, "verify", verifyFailed, inside.Transpile) && c.part(ctx, "up", upFailed, c.up) {
		c.part(ctx, "check", checkFailed, c.check)
	}
	err = c.report()
	if c.failed != 0 {
		err = errors.Join(err, c.archive(ctx))
	}
	if r.Keep {
		r.log.Say("ci: keep=true: the nodes stay; `%s` removes them", asCalled(r.Settings, "down", "prefix="+r.Prefix))
	} else {
		c.part(ctx, "down", downFailed, c.down)
	}
	return c.end(ctx, err)
}

// untaken is an error if there is a node of the cluster, which `down` at the end would remove, unless nothing is removed.
func untaken(r *Run) error {
	domains, err := r.domains()
	if err != nil || r.Keep {
		return err
	}
	if nodes := r.ws().Members(domains, r.Prefix); len(nodes) > 0 {
		return hint.Errorf(fmt.Sprintf("`%s` makes a cluster of its own; `%s` runs the tests on this one", asCalled(r.Settings, "ci", "prefix=ci"), asCalled(r.Settings, "check", "prefix="+r.Prefix)),
			"%s is there already, and ci would remove it at its end; nothing was done", nodes[0].Name)
	}
	return nil
}

// part does one part. It reports whether that went well.
func (c *integration) part(ctx context.Context, name string, status session.ExitStatus, do func(context.Context) error) bool {
	begin := time.Now()
	c.run.log.Say("ci: %s", name)
	err := do(ctx)
	if err == nil {
		c.run.log.Say("ci: %s is well (%.0f s)", name, time.Since(begin).Seconds())
		return true
	}
	if c.failed == 0 {
		c.failed = status
	}
	text := fmt.Sprintf("ci: %s failed", name)
	if silent := session.ExitStatus(0); !errors.As(err, &silent) { // which has said what there is to say
		text += ": " + err.Error()
	}
	c.run.log.Say("%s", text)
	fmt.Fprintln(&c.why, text)
	return false
}

// up takes the cluster through the other stages of `mage up`.
func (c *integration) up(ctx context.Context) error {
	r := c.inside
	if err := inTurn(ctx, r.Preflight, r.Claim, r.Fetch, r.Discovery, r.Render); err != nil {
		return err
	}
	if _, err := definedOf(ctx, r); err != nil {
		return err
	}
	return inTurn(ctx, r.Defined, r.Up)
}

func (c *integration) check(ctx context.Context) (err error) {
	if c.results, err = checked(ctx, c.inside); err != nil {
		return err
	}
	return failed(anyFailed(c.results))
}

// down removes the cluster, also after an interruption.
func (c *integration) down(ctx context.Context) error {
	if ctx.Err() != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastDown)
		defer cancel()
		c.inside.endsWith(ctx)
	}
	return Down(ctx, c.inside)
}

// end is the run's error or exit status.
func (c *integration) end(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return errors.Join(err, ctx.Err())
	case err != nil:
		return err
	case c.failed != 0:
		return c.failed
	}
	return nil
}

// folder is where what is left of the run is: vm/ci.core.
func (c *integration) folder(parts ...string) string {
	return c.run.ws().VM(append([]string{"ci." + c.run.Prefix}, parts...)...)
}

// report prints the results as format= says, and keeps them in each format.
func (c *integration) report() error {
	if err := os.RemoveAll(c.folder()); err != nil {
		return err
	}
	for _, format := range report.Formats {
		text := bytes.Buffer{}
		if err := report.Write(&text, format, c.results); err != nil {
			return err
		}
		if err := artifact.Write(c.folder("check."+endings[format]), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	c.run.log.Say("ci: results of tests are %s", c.run.ws().Relative(c.folder("check.{xml,tap,json}")))
	if c.run.Format == "table" {
		return nil
	}
	return report.Write(c.run.out, c.run.Format, c.results)
}

// endings are those of files with results, by format.
var endings = map[string]string{"junit": "xml", "tap": "tap", "json": "json"}

// archive puts consoles, journals and results into one file. Ignition documents are left out: they have secrets.
func (c *integration) archive(ctx context.Context) error {
	domains, err := c.inside.domains()
	if err != nil || ctx.Err() != nil {
		return err
	}
	nodes := c.inside.ws().Members(domains, c.run.Prefix)
	journals := wait.AtOnce(len(nodes), func(i int) error { return c.journal(ctx, nodes[i]) })
	for _, err := range journals {
		if err != nil {
			fmt.Fprintln(&c.why, hint.FirstLine(err))
		}
	}
	if err := artifact.Write(c.folder("ci.txt"), c.why.Bytes(), 0o644); err != nil {
		return err
	}
	files := c.files(nodes)
	path := c.folder("ci.tar.gz")
	if c.run.Archive != "" {
		path = c.run.Archive
	}
	data, err := packed(c.run.ws().VM(), files)
	if err == nil {
		err = artifact.Write(path, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("archive of what failed: %w", err)
	}
	c.run.log.Say("ci: %s has consoles, journals and results", c.run.ws().Relative(path))
	return nil
}

// files are what the archive has: those that are not there are left out of it.
func (c *integration) files(nodes []engine.Domain) (files []archived) {
	paths := []string{c.folder("ci.txt")}
	for _, ending := range endings {
		paths = append(paths, c.folder("check."+ending))
	}
	for _, node := range nodes {
		console := archivedOf(c.inside.conn.Disks(), c.inside.ws().NodeOf(node.Metadata))[0]
		files, paths = append(files, console), append(paths, c.folder(journalName(node.Name)))
	}
	for _, path := range paths {
		files = append(files, archivedFile(path))
	}
	return files
}

func journalName(node string) string { return "journal-" + node + ".txt" }

// journal writes the node's journal of this boot, if the node can be reached.
func (c *integration) journal(ctx context.Context, node engine.Domain) error {
	ctx, cancel := context.WithTimeout(ctx, journalPatience)
	defer cancel()
	err := standsStill(c.inside.Settings, node)
	if err != nil {
		return err
	}
	access, address, err := c.inside.reach().Way(ctx, node)
	if err != nil {
		return fmt.Errorf("%s: no journal: %w", node.Name, err)
	}
	out := &guest.Limited{Left: mostJournal}
	cmd := access.Unattended(ctx, c.run.User, node.Name, address, "sudo -n journalctl --no-pager --boot --output=short-precise")
	cmd.Stdout, cmd.WaitDelay = out, afterEnd
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: no journal: %w", node.Name, err)
	}
	return artifact.Write(filepath.Join(c.folder(), journalName(node.Name)), []byte(out.String()), 0o644)
}
