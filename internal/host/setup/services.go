package setup

import (
	"context"
	"errors"
	"os"
	"slices"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
)

// Service is a unit of systemd's that is enabled and runs.
type Service struct {
	Unit    string `json:"unit"`
	Enabled bool   `json:"enabled"` // before
	Active  bool   `json:"active"`  // before
}

// Commands would do it.
func (s *Service) Commands() []string { return []string{"systemctl enable --now " + s.Unit} }

// Do enables and starts it.
func (s *Service) Do(ctx context.Context, _ step.Machine) error {
	return step.Run(ctx, "systemctl", "enable", "--now", s.Unit)
}

// Undo stops and disables it, as far as it was stopped and disabled before.
func (s *Service) Undo(ctx context.Context, _ step.Machine) error {
	if !step.Succeeds(ctx, "systemctl", "cat", s.Unit) {
		return nil // its package is gone
	}
	var stopped, disabled error
	if !s.Active {
		stopped = step.Run(ctx, "systemctl", "stop", s.Unit)
	}
	if !s.Enabled {
		disabled = step.Run(ctx, "systemctl", "disable", s.Unit)
	}
	return errors.Join(stopped, disabled)
}

// services plans those of libvirt's units that are not enabled, unless libvirt is there in its other form.
func services(ctx context.Context, m step.Machine, f family) []step.Planned {
	if _, err := os.Stat(m.Root.Path("run/systemd/system")); err != nil {
		return nil // sd_booted(3): no systemd
	}
	for _, other := range []string{"libvirtd.service", "libvirtd.socket", "virtqemud.socket", "virtqemud.service"} {
		if !slices.Contains(f.units, other) && step.Succeeds(ctx, "systemctl", "is-active", other) {
			return nil
		}
	}
	steps := []step.Planned{}
	for _, unit := range f.units {
		s := &Service{Unit: unit, Enabled: step.Succeeds(ctx, "systemctl", "is-enabled", unit), Active: step.Succeeds(ctx, "systemctl", "is-active", unit)}
		if !s.Enabled || !s.Active {
			steps = append(steps, step.Planned{Title: "service " + unit, Why: "libvirt answers when it is first asked, after each boot", Step: s})
		}
	}
	return steps
}

// Group is a user's membership of a group.
type Group struct {
	User  string `json:"user"`
	Group string `json:"group"`
}

// Commands would do it.
func (g *Group) Commands() []string { return []string{"usermod -aG " + g.Group + " " + g.User} }

// Do makes the user a member.
func (g *Group) Do(ctx context.Context, m step.Machine) error {
	if err := step.Run(ctx, "usermod", "-aG", g.Group, g.User); err != nil {
		return err
	}
	m.Say("%s is in the group %s from the next login on (or now, with `newgrp %s`)", g.User, g.Group, g.Group)
	return nil
}

// Undo ends the membership.
func (g *Group) Undo(ctx context.Context, _ step.Machine) error {
	if !host.Member(g.User, g.Group) {
		return nil
	}
	return step.Run(ctx, "gpasswd", "-d", g.User, g.Group)
}

// groups plans the user's rights: to libvirt's socket, and for a libvirt of the user's own to /dev/kvm.
func groups(w Wanted) []step.Planned {
	if w.User == "" {
		return nil
	}
	group, why := "libvirt", "who is in this group may use libvirt without a password; it is as good as root"
	if w.Session {
		group, why = "kvm", "QEMU runs as this user, who needs /dev/kvm"
	}
	if host.Member(w.User, group) {
		return nil
	}
	return []step.Planned{{Title: "user " + w.User + " in group " + group, Why: why, Step: &Group{w.User, group}}}
}
