package command

import (
	"cmp"
	"context"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/check"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/session"
)

// HostCheck looks at the machine, check by check, and prints each with what was found or its remedy. It
// fails if one does.
func HostCheck(ctx context.Context, r *Run) error {
	if aboutAnother(r) {
		return onMachine(ctx, r, "host:check", false)
	}
	starting, err := toStart(r)
	if err != nil {
		starting = len(r.members()) // without libvirt, all
	}
	results, ok := host.RunAll(ctx, toBeRun(r, starting).All())
	for i := range results {
		if r.There {
			results[i].Remedy = fromThere(r.Settings, results[i].Remedy)
		}
	}
	if r.Format == "json" {
		if err := table.JSON(r.out, results); err != nil {
			return err
		}
	} else {
		for _, result := range results {
			printResult(result, r.log.Say)
		}
	}
	if !ok {
		return session.ExitStatus(1)
	}
	return nil
}

func printResult(result host.Result, say func(string, ...any)) {
	mark := "ok  "
	switch {
	case result.Warning:
		mark = "warn"
	case !result.OK:
		mark = "FAIL"
	}
	say("%s  %-20s %s", mark, result.Check, strings.ReplaceAll(result.Found, "\n", " "))
	if result.Remedy != "" {
		say("      %s", result.Remedy)
	}
}

// toBeRun is what the machine is checked for: the nodes as the settings want them, of which so many are to be started.
func toBeRun(r *Run, starting int) check.Nodes {
	average, least := memoryOf(partsOf(r))
	folder, here := r.ws().VM(), discovery.IsEmbedded(r.Settings.Discovery)
	if r.There { // where nodes have their files in a pool, which is where root has its store, and whoever serves the token is elsewhere
		folder, here = r.Store, false
	}
	return check.Nodes{
		Libvirt: check.Libvirt{
			URI: r.URI, Session: where(r.Settings).IsSession(), Emulated: r.Accel == "tcg",
			Open: func() (check.Daemon, error) { return r.libvirt() },
		},
		Link: check.Link{
			Bridge: r.Bridge, Network: r.Network, Direct: r.Direct,
			HostLink: r.reach().HostLink, Exists: func() error { return checkLink(r.Settings, r.reach()) },
			Further: furtherCheck(r),
		},
		Discovery: check.Discovery{Way: r.Settings.Discovery, Here: here, Port: discoveryPort(r.ws().VM(), r.Prefix)},
		KVM:       kvmOf(r.Settings),
		There:     thereOf(r),
		Folder:    folder, Store: r.Store, Count: starting, RAM: average, CoreOS: least,
	}
}

// memoryOf is what a node has on average, in MiB, and the least of those on a maker's image; 0 if none is.
func memoryOf(parts []part) (average, least int) {
	nodes := 0
	for _, p := range parts {
		average, nodes = average+p.RAM*len(p.nodes), nodes+len(p.nodes)
		if isCoreOS(p.Image) && (least == 0 || p.RAM < least) {
			least = p.RAM
		}
	}
	return average / max(nodes, 1), least
}

// thereOf is the host that the nodes run on, if that is not this one.
func thereOf(r *Run) (there check.Elsewhere) {
	name, remote := where(r.Settings).Host()
	if !remote {
		return there
	}
	return check.Elsewhere{
		Host: cmp.Or(name, r.URI),
		FreeMemory: func() (free, all int64, err error) {
			daemon, err := r.libvirt()
			if err != nil {
				return 0, 0, err
			}
			return daemon.FreeMemory()
		},
		FreeSpace: func() (free int64, pool string, err error) {
			daemon, err := r.libvirt()
			if err != nil {
				return 0, "", err
			}
			return daemon.FreeSpace()
		},
	}
}

// kvmOf is the KVM of the nodes' host, for nodes as the settings want them. Nothing is remembered of another host, whose boots nobody
// tells of.
func kvmOf(s *settings.Settings) check.KVM {
	if where(s).IsRemote() {
		return check.KVM{Arch: s.Arch}
	}
	return check.KVM{Arch: s.Arch, Folder: s.Store, File: filepath.Join(s.Store, "kvm.json"), BootID: check.HostBootID()}
}

// discoveryPort is where this host serves the cluster's token that is in the folder; 0 if there is none.
func discoveryPort(folder, prefix string) int {
	token, found, err := discovery.Read(folder, prefix)
	if err != nil || !found || !discovery.IsEmbedded(token.Kind) {
		return 0
	}
	at, err := url.Parse(token.Endpoint)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(at.Port())
	return port
}

// isCoreOS reports whether image= is Fedora CoreOS or Flatcar as their makers have it. The lab's images are not.
func isCoreOS(image string) bool {
	return image != "lab" && !strings.HasPrefix(image, "lab-") && base.SystemOf(image) != ""
}
