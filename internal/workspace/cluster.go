package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
)

// The names in vm/ of what belongs to a cluster as a whole. Its prefix follows.
const (
	lockName       = ".lock."
	sshName        = "ssh."
	tlsName        = "tls."
	timelineName   = "timeline."
	protectName    = "protect."
	unfinishedName = "unfinished."
	restoreName    = "restore."
)

// perCluster are the names that `mage down` removes. etcd/discovery names its own files.
var perCluster = []string{sshName, "discovery.url.", "discovery.", timelineName, tlsName, protectName, unfinishedName, restoreName}

// TemplateName is the name in vm/ of the Ignition template, which all clusters of the workspace share.
const TemplateName = "ignition-template.json"

// Template is the name in vm/ of the template of the config at the path: first reports whether it is the first of the cluster's.
func Template(path string, first bool) string {
	if first {
		return TemplateName
	}
	name := filepath.Base(path)
	return templatesName + strings.TrimSuffix(name, filepath.Ext(name)) + ".json"
}

// templatesName is what the names of the other templates begin with.
const templatesName = "ignition-template."

// Lock is the path of the cluster's lock.
func (w Workspace) Lock(prefix string) string { return w.VM(lockName + prefix) }

// SSH is the folder of the cluster's ssh key and known hosts.
func (w Workspace) SSH(prefix string) string { return w.VM(sshName + prefix) }

// RestoreFolder is the folder of the data that a restore makes for the members of the cluster's etcd, before it brings them to the nodes.
func RestoreFolder(w Workspace, prefix string) string { return w.VM(restoreName + prefix) }

// TLSName is the name in vm/ of the folder of the cluster's certificate authority.
func TLSName(prefix string) string { return tlsName + prefix }

// Timeline is the path of the cluster's timeline, as data (json) or as drawing (svg).
func (w Workspace) Timeline(prefix, kind string) string { return w.VM(timelineOf(prefix, kind)) }

func timelineOf(prefix, kind string) string { return timelineName + prefix + "." + kind }

// Prefixes are the clusters that have a domain or files here, and the cluster own.
func (w Workspace) Prefixes(own string, domains map[string]engine.Domain) []string {
	found := []string{own}
	for _, d := range w.Members(domains, "") {
		found = append(found, d.Metadata.Cluster)
	}
	entries, _ := os.ReadDir(w.VM()) // the path may have any character: no pattern is made of it
	for _, entry := range entries {
		for _, kind := range append([]string{lockName}, perCluster...) {
			if prefix, is := strings.CutPrefix(entry.Name(), kind); is && (kind == lockName || !strings.Contains(prefix, ".")) {
				found = append(found, prefix)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Clear removes the files that belong to a cluster as a whole: of one, or with an empty prefix of all. It counts them.
func (w Workspace) Clear(prefix string) (int, error) {
	entries, err := os.ReadDir(w.VM())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	cleared := 0
	for _, entry := range entries {
		if !isClusters(entry.Name(), prefix) {
			continue
		}
		if err := os.RemoveAll(w.VM(entry.Name())); err != nil {
			return cleared, fmt.Errorf("cannot remove what was generated: %w", err)
		}
		cleared++
	}
	return cleared, err
}

// unfinished are the names of files that a killed run was writing, as artifact.Write names them.
var unfinished = regexp.MustCompile(`^\.(.+?)[0-9]{4,}$`)

// isClusters reports whether an entry of vm/ belongs to the cluster as a whole, or with an empty prefix to any cluster.
func isClusters(name, prefix string) bool {
	if whole := unfinished.FindStringSubmatch(name); whole != nil {
		name = whole[1]
	}
	for _, kind := range perCluster {
		if prefix == "" && strings.HasPrefix(name, kind) || name == kind+prefix {
			return true
		}
	}
	return name == timelineOf(prefix, "json") || name == timelineOf(prefix, "svg") || prefix == "" && strings.HasPrefix(name, templatesName)
}
