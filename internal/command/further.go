package command

import (
	"slices"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
)

// furtherDisks are disks= as a node's mark has them; empty if the user does not say what is wanted.
func furtherDisks(s *settings.Settings) string {
	if s.Disks == nil {
		return ""
	}
	disks := make([]engine.FurtherDisk, len(s.Disks))
	for i, disk := range s.Disks {
		disks[i] = engine.FurtherDisk{Name: disk.Name, GiB: disk.GiB}
	}
	return engine.DisksText(disks)
}

// furtherLinks are what networks= plugs further cards into.
func furtherLinks(s *settings.Settings) []engine.Link {
	links := make([]engine.Link, len(s.Networks))
	for i, network := range s.Networks {
		links[i] = engine.LinkTo(network.Kind, network.Name)
	}
	return links
}

// furtherNetworks are networks= as a node's mark has them; empty if the user does not say what is wanted.
func furtherNetworks(s *settings.Settings) string {
	if s.Networks == nil {
		return ""
	}
	return engine.LinksText(furtherLinks(s))
}

// furtherCheck looks at what networks= names, of the cluster or of its groups; nil if none names anything.
func furtherCheck(r *Run) func() (string, error) {
	links := []engine.Link{}
	for _, p := range partsOf(r) {
		for _, link := range furtherLinks(p.Settings) {
			if !slices.Contains(links, link) {
				links = append(links, link)
			}
		}
	}
	if len(links) == 0 {
		return nil
	}
	return func() (string, error) { return engine.LinksText(links), reach.CheckFurther(r.reach(), links) }
}
