package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// inquire tells what there is of the node.
func (r *Run) inquire(ctx context.Context, node workspace.Node, domains map[string]engine.Domain) (plan.Found, error) {
	domain, defined := domains[node.Name]
	found := plan.Found{
		Domain: domain, Defined: defined, Made: made(node), Leaving: exists(node.Leaving()),
		Recreate: r.Recreate == "changed", Force: r.recreates(node.Name), Redefine: r.Redefine,
	}
	var err error
	if found.Disk, err = diskOf(ctx, node, domain); err != nil {
		return found, err
	}
	if found.Orphan() && found.Made == nil && !found.Force {
		return found, hint.Errorf("recreate="+node.Name+" makes it anew, without them; or move the file away",
			"%s has data, and there is neither a domain that it belongs to nor word of what it was made from", r.relative(node.Overlay()))
	}
	if defined {
		found.Edited, err = edited(node, domain)
	}
	return found, err
}

// unrecorded is libvirt's definition of a node that is kept, where it is as it was made and no run has noted that.
func unrecorded(step plan.Step, found plan.Found) string {
	if step.Action != plan.Keep || step.Edited != "" || found.Domain.Metadata.Definition != step.Want.Definition || recorded(step.Node, found.Domain) {
		return ""
	}
	return found.Domain.XML
}

// live tells what of a changed definition the running node takes. The file with the definition may be of a run that ended
// before libvirt had it; and a guest that may lack the rule by which it uses what it is plugged gets nothing.
func live(step *plan.Step, found plan.Found) {
	if step.Action != plan.Redefine || !step.Running || step.Edited != "" ||
		found.Made == nil || found.Made.Definition != found.Domain.Metadata.Definition {
		return
	}
	was, errRead := os.ReadFile(step.Node.XML())
	changes, err := libvirt.LiveChanges(string(was), step.XML, step.Runs)
	if errRead != nil || err != nil {
		return // somebody has changed the file
	}
	if step.Drift != "" {
		changes = changes.WithoutPlugging()
	}
	step.Take(changes)
}

// made is what the node's disk was made from, as its folder tells; nil where it does not.
func made(node workspace.Node) *engine.Metadata {
	text, err := os.ReadFile(node.XML())
	if err != nil {
		return nil
	}
	domain, err := libvirt.ParseDomain(string(text))
	if err != nil || domain.Metadata == nil {
		return nil
	}
	domain.Metadata.Firmware = cmp.Or(domain.Metadata.Firmware, domain.Firmware)
	return domain.Metadata
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// labMark is before the URI of a libvirt that is the lab's.
const labMark = "lab "

// where is the libvirt of this run, as it is noted of each node.
func (r *Run) where() string {
	if r.InLab {
		return labMark + r.URI
	}
	return r.URI
}

// recreates tells whether recreate= names the node.
func (r *Run) recreates(node string) bool {
	return r.all() || slices.Contains(strings.Split(r.Recreate, ","), node)
}

// edited is what differs between the definition as libvirt had it when it was made and as libvirt has it
// now: what somebody else changed, as with `virsh edit`.
func edited(node workspace.Node, domain engine.Domain) (string, error) {
	if !recorded(node, domain) {
		return "", nil
	}
	made, err := os.ReadFile(node.Defined())
	if err != nil {
		return "", fmt.Errorf("cannot read the definition as it was made: %w", err)
	}
	was, is := comparable(string(made)), comparable(domain.XML)
	if was == is {
		return "", nil
	}
	return udiff.Unified("as it was made", "as it is", was, is), nil
}

// recorded tells whether it is known how the definition that there is was made. A run that ended between making one
// and noting it has left the record of one before, with other metadata.
func recorded(node workspace.Node, domain engine.Domain) bool {
	text, err := os.ReadFile(node.Defined())
	if err != nil {
		return false
	}
	was, err := libvirt.ParseDomain(string(text))
	return err == nil && was.Metadata != nil && *was.Metadata == *domain.Metadata
}

var (
	controllers = regexp.MustCompile(`(?s)[ \t]*<controller [^>]*(?:/>|[^/]>.*?</controller>)\n`)
	nvram       = regexp.MustCompile(`[ \t]*<nvram.*\n`)
)

// comparable is a definition without what libvirt adds by itself when the domain first starts, and with its controllers
// sorted at its end: libvirt puts them in another order by itself.
func comparable(text string) string {
	sorted := controllers.FindAllString(text, -1)
	slices.Sort(sorted)
	return nvram.ReplaceAllString(controllers.ReplaceAllString(text, ""), "") + strings.Join(sorted, "")
}

// diskOf looks at a node's overlay. One that a guest may be writing to is not pristine. What a guest wrote is not for
// everybody to read, and after it ran the file may be its user's: then it is not known what it stands on.
func diskOf(ctx context.Context, node workspace.Node, domain engine.Domain) (plan.Disk, error) {
	if !exists(node.Overlay()) {
		return plan.Disk{}, nil
	}
	disk := plan.Disk{Exists: true, Backing: domain.Backing}
	if domain.InUse() && disk.Backing != "" || !mayRead(node.Overlay()) {
		return disk, nil
	}
	info, err := image.Inspect(ctx, node.Overlay())
	if err != nil {
		return plan.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk.Backing = info.Backing
	if !domain.InUse() {
		disk.Pristine, err = image.Pristine(ctx, node.Overlay())
	}
	return disk, err
}

func mayRead(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
}
