package setup

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/workspace/artifact"
)

// The keys by which the kernel hands what bridges carry to the packet filter of IP (br_netfilter).
var handed = []string{"net.bridge.bridge-nf-call-arptables", "net.bridge.bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-iptables"}

const (
	sysctlFile  = "etc/sysctl.d/90-coreos-libvirt.conf"
	modulesFile = "etc/modules-load.d/90-coreos-libvirt.conf"
	rulesUnit   = "coreos-libvirt-bridge.service"
)

// filter plans what keeps the packet filter off the nodes' frames. That is the kernel's switch: a rule that
// accepts cannot, since in nftables, and so in firewalld, a frame that one table accepts another may still drop, and only
// a drop is final (nft(8), "verdict statements"). Docker up to 27 loads br_netfilter when it starts, and that
// sets the switch on again (github.com/moby/moby/pull/48492): so it is loaded at boot, before the
// sysctls are set (sysctl.d(5)), and not a second time.
//
// Kubernetes needs the switch on. Where a file of sysctls says so, rules accept what stays on the bridge, in each chain
// that would drop it: iptables', firewalld's, anybody's.
func filter(ctx context.Context, m step.Machine, w Wanted) ([]step.Planned, error) {
	_, err := os.Stat(m.Root.Path("proc/sys/net/bridge"))
	loaded := err == nil
	if w.Bridge == "" {
		return nil, nil
	}
	if !loaded && !hasDocker(m) {
		return atBoot(m, w.Bridge, "a chain of nftables' family bridge drops", chainRules(ctx, m, w.Bridge, false))
	}
	if by := needsFilter(m); by != "" {
		return rules(ctx, m, w.Bridge, by)
	}
	steps, err := switches(m)
	if err != nil {
		return nil, err
	}
	return atBoot(m, w.Bridge, "a chain of nftables' family bridge drops", append(steps, chainRules(ctx, m, w.Bridge, false)...))
}

// switches plans that the kernel hands nothing over, now and after each boot.
func switches(m step.Machine) ([]step.Planned, error) {
	text := strings.Join(handed, "=0\n") + "=0\n"
	steps := []step.Planned{}
	for path, text := range map[string]string{modulesFile: "br_netfilter\n", sysctlFile: text} {
		file, err := m.File(path, text)
		if err != nil {
			return nil, err
		}
		if file != nil {
			steps = append(steps, step.Planned{Title: "/" + path, Why: "the packet filter leaves alone what bridges carry, after each boot, also where Docker starts", Step: file})
		}
	}
	slices.SortFunc(steps, func(a, b step.Planned) int { return strings.Compare(a.Title, b.Title) })
	for _, key := range handed {
		now, err := os.ReadFile((&step.Sysctl{Key: key}).Path(m))
		if value := strings.TrimSpace(string(now)); err == nil && value != "0" {
			steps = append(steps, step.Planned{Title: key + "=0", Why: "now: else a filter that drops what it forwards, as Docker's, drops the nodes' DHCP", Step: &step.Sysctl{Key: key, Value: "0", Before: value}})
		}
	}
	return steps, nil
}

func hasDocker(m step.Machine) bool {
	for _, path := range []string{"usr/bin/dockerd", "usr/sbin/dockerd", "usr/local/bin/dockerd"} {
		if _, err := os.Stat(m.Root.Path(path)); err == nil {
			return true
		}
	}
	return false
}

var switchedOn = regexp.MustCompile(`(?m)^\s*-?net[./]bridge[./]bridge-nf-call-ip6?tables\s*=\s*1`)

// needsFilter is the file of sysctls by which somebody wants bridged frames filtered, or empty.
func needsFilter(m step.Machine) string {
	for _, pattern := range []string{"etc/sysctl.conf", "etc/sysctl.d/*.conf", "run/sysctl.d/*.conf", "usr/lib/sysctl.d/*.conf"} {
		paths, _ := artifact.Matching(m.Root.Path(), pattern)
		for _, path := range paths {
			if text, err := os.ReadFile(path); err == nil && switchedOn.Match(text) {
				return path
			}
		}
	}
	return ""
}

// Rule is a rule at the top of a chain.
type Rule struct {
	Program string   `json:"program"`
	Chain   string   `json:"chain"`
	Match   []string `json:"match"`
}

func (r *Rule) argv(verb string) []string {
	return append([]string{r.Program, "-w", verb, r.Chain}, r.Match...)
}

// Commands would insert it.
func (r *Rule) Commands() []string { return []string{step.Line(r.argv("-I")...)} }

// Do inserts it, once.
func (r *Rule) Do(ctx context.Context, _ step.Machine) error {
	if step.Succeeds(ctx, r.argv("-C")...) {
		return nil
	}
	return step.Run(ctx, r.argv("-I")...)
}

// once is a command that inserts it where it is not there.
func (r *Rule) once() string {
	return step.Line(r.argv("-C")...) + " 2>/dev/null || " + step.Line(r.argv("-I")...)
}

// Undo deletes it.
func (r *Rule) Undo(ctx context.Context, _ step.Machine) error {
	for step.Succeeds(ctx, r.argv("-C")...) {
		if err := step.Run(ctx, r.argv("-D")...); err != nil {
			return err
		}
	}
	return nil
}

// rules plans rules that accept what stays on the bridge, now and by a unit after each boot.
func rules(ctx context.Context, m step.Machine, bridge, by string) ([]step.Planned, error) {
	why := by + " wants bridged frames filtered"
	steps := []step.Planned{}
	for _, program := range []string{"iptables", "ip6tables"} {
		if _, err := exec.LookPath(program); err != nil {
			continue
		}
		r := &Rule{program, "FORWARD", []string{"-i", bridge, "-o", bridge, "-j", "ACCEPT"}}
		if !step.Succeeds(ctx, r.argv("-C")...) {
			steps = append(steps, step.Planned{Title: program + ": what stays on " + bridge + " is accepted", Why: why + ": so the filter must accept what stays on the bridge", Step: r})
		}
	}
	return atBoot(m, bridge, why, append(steps, chainRules(ctx, m, bridge, true)...))
}

// atBoot adds, where systemd runs, a unit that makes the steps' rules again after each boot. Who restarts a firewall
// restarts it, too.
func atBoot(m step.Machine, bridge, why string, steps []step.Planned) ([]step.Planned, error) {
	starts := []string{}
	for _, p := range steps {
		if r, ok := p.Step.(interface{ once() string }); ok {
			starts = append(starts, "ExecStart=/bin/sh -c "+strconv.Quote(r.once()))
		}
	}
	if _, err := os.Stat(m.Root.Path("run/systemd/system")); err != nil || len(starts) == 0 {
		return steps, nil
	}
	had, _ := os.ReadFile(m.Root.Path("etc/systemd/system", rulesUnit))
	for line := range strings.Lines(string(had)) { // those of an earlier run
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "ExecStart=") && !slices.Contains(starts, line) {
			starts = append(starts, line)
		}
	}
	file, err := m.File("etc/systemd/system/"+rulesUnit, "[Unit]\nDescription=What stays on "+bridge+" passes the packet filter\n"+
		"After=docker.service firewalld.service nftables.service\nPartOf=firewalld.service nftables.service\n\n"+
		"[Service]\nType=oneshot\nRemainAfterExit=yes\n"+strings.Join(starts, "\n")+"\n\n[Install]\nWantedBy=multi-user.target\n")
	if err != nil || file == nil {
		return steps, err
	}
	return append(steps, step.Planned{Title: "/" + file.Path, Why: why + ": the rules are made again after each boot", Step: file},
		step.Planned{Title: rulesUnit + " enabled", Why: why + ": the rules are made again after each boot", Step: &Service{Unit: rulesUnit, Active: true}}), nil
}
