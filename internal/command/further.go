package command

import (
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

// furtherCheck looks at what networks= names; nil if it names nothing.
func furtherCheck(r *Run) func() (string, error) {
	if len(r.Networks) == 0 {
		return nil
	}
	return func() (string, error) {
		return furtherNetworks(r.Settings), reach.CheckFurther(r.reach(), furtherLinks(r.Settings))
	}
}
