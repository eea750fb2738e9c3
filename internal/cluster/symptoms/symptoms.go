// Package symptoms is what is wrong with a member of etcd, in words: which, what, and what to do. What is seen of a member
// is a value; what that means is pure.
package symptoms

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/shellword"
)

// Member is what is known of one.
type Member struct {
	Node      string   // its node's name
	Addresses []string // of its node, now
	Said      etcd.Member
	Peer      etcd.Peer // the member as its cluster knows it; the zero one if no cluster answers
	Clock     etcd.Clock
	State     *State // nil if its node was not asked, or has not answered
}

// Symptom is one thing that is wrong with a member.
type Symptom struct {
	Node, What, Advice string
	Late               bool // a healthy member on a slow machine may look the same to who waits shortly
	Harmless           bool // so far: the member is healthy
}

// Sure are those that are not Late.
func Sure(all []Symptom) []Symptom {
	return slices.DeleteFunc(slices.Clone(all), func(s Symptom) bool { return s.Late })
}

// Split gives what is wrong with members, and what may become so, each a line with what helps.
func Split(all []Symptom) (wrong []Symptom, warnings []string) {
	for _, s := range all {
		if s.Harmless {
			warnings = append(warnings, fmt.Sprintf("%s (hint: %s)", s, s.Advice))
		} else {
			wrong = append(wrong, s)
		}
	}
	return wrong, warnings
}

func (s Symptom) String() string { return s.Node + ": " + s.What }

// Command is the line that calls a target with these words.
type Command func(target string, words ...string) string

// tolerance is how far a clock may be off: etcd itself warns from a second on.
const tolerance = time.Second

// Of is what is wrong with the member, the cause before what follows from it.
func (m Member) Of(command Command) (all []Symptom) {
	for _, look := range []func(Member, Command) (what, advice string){Member.moved, Member.clock} {
		if what, advice := look(m, command); what != "" {
			all = append(all, Symptom{Node: m.Node, What: what, Advice: advice, Harmless: m.Said.Healthy})
		}
	}
	if m.Said.Healthy || m.State == nil {
		return all
	}
	if what, advice := m.unwell(command); what != "" {
		return append(all, Symptom{Node: m.Node, What: what, Advice: advice})
	}
	if what, advice := m.unexplained(command); what != "" {
		all = append(all, Symptom{Node: m.Node, What: what, Advice: advice, Late: !m.leaderless()})
	}
	return all
}

// moved is of a member that others look for at an address that its node does not have.
func (m Member) moved(command Command) (what, advice string) {
	if len(m.Addresses) == 0 || len(m.Peer.URLs) == 0 {
		return "", ""
	}
	if m.isFound() {
		return "", ""
	}
	return fmt.Sprintf("its address has changed: the other members look for it at %s, and the node is at %s", strings.Join(m.Peer.URLs, ", "), strings.Join(m.Addresses, ", ")),
		fmt.Sprintf("`%s` makes it a new member at its address, with the others' data; a reservation for its MAC in DHCP keeps the address", command("up", "recreate="+m.Node))
}

// isFound reports whether others look for it at an address of its node, or at a name.
func (m Member) isFound() bool {
	return slices.ContainsFunc(m.Peer.URLs, func(url string) bool { return !etcd.IsAtAddress(url) || slices.Contains(m.Addresses, etcd.HostOf(url)) })
}

// off is how far the clock is off, and in which direction.
func (m Member) off() (off time.Duration, way string) {
	if m.Clock.Ahead < 0 {
		return -m.Clock.Ahead, "behind"
	}
	return m.Clock.Ahead, "ahead of"
}

func rounded(off time.Duration) time.Duration {
	if off > 2*time.Minute {
		return off.Round(time.Minute)
	}
	return off.Round(time.Second)
}

func (m Member) clock(command Command) (what, advice string) {
	off, way := m.off()
	if off <= tolerance {
		return "", ""
	}
	return fmt.Sprintf("its clock is %s %s this machine's: leases and certificates end at the wrong time", rounded(off), way),
		fmt.Sprintf("`%s` shows whether the node gets the time from a server", m.ssh(command, "timedatectl timesync-status || chronyc tracking"))
}

// unwell is of a member whose node shows why it is not healthy.
func (m Member) unwell(command Command) (what, advice string) {
	s := m.State
	restart := m.ssh(command, "sudo systemctl restart "+s.Unit)
	switch {
	case s.hasNoRoom():
		where := cmp.Or(s.Disk.At, "/")
		return fmt.Sprintf("the file system that has its data is full (%s)", where),
			fmt.Sprintf("`%s` shows what takes the room; when there is some, `%s`", m.ssh(command, "sudo du -xhd2 "+shellword.Of(where)+" | sort -h | tail"), restart)
	case s.Process == 0:
		return fmt.Sprintf("its etcd does not run (%s is %s)%s", s.Unit, s.Active, s.last()),
			fmt.Sprintf("`%s` starts it; `%s` shows its log", restart, m.journal(command))
	case s.Letter == "T" || s.Letter == "t":
		return fmt.Sprintf("its etcd stands still: somebody has stopped process %d (SIGSTOP), and it answers nobody", s.Process),
			fmt.Sprintf("`%s` lets it go on", m.ssh(command, fmt.Sprintf("sudo kill -CONT %d", s.Process)))
	}
	return "", ""
}

// leaderless reports whether the member has said that it knows no leader.
func (m Member) leaderless() bool {
	return m.Said.ID != "" && (m.Said.Leader == "" || m.Said.Leader == "0")
}

// unexplained is of a member that runs, and is not healthy for nothing that its node shows. Its alarms, and that it refuses this host, say
// themselves what helps.
func (m Member) unexplained(command Command) (what, advice string) {
	if m.Said.Alarms != "" || m.Said.ReadOnly || m.Said.Refused {
		return "", ""
	}
	why := "and is slow to answer, or cannot reach the other members"
	if m.leaderless() {
		why = "and has no leader: it cannot reach most of the other members"
	}
	return fmt.Sprintf("its etcd runs (process %d), %s%s", m.State.Process, why, m.State.last()), fmt.Sprintf("`%s` shows its log", m.journal(command))
}

// last is the last line of the log, if there is one.
func (s State) last() string {
	if len(s.Log) == 0 {
		return ""
	}
	return "; it wrote last: " + s.Log[len(s.Log)-1]
}

func (m Member) journal(command Command) string {
	return m.ssh(command, "sudo journalctl -u "+m.State.Unit+" -n 30 --no-pager")
}

func (m Member) ssh(command Command, line string) string {
	return command("ssh", "node="+m.Node, "cmd="+shellword.Of(line))
}

// Explain is the error with what was found, and what helps against that instead of what it said helps.
func Explain(err error, found []Symptom) error {
	if err == nil || len(found) == 0 {
		return err
	}
	text := strings.Replace(err.Error(), "\nhint: "+hint.Of(err, ""), "", 1)
	lines, advice := "", []string{}
	for _, s := range found {
		lines += "\n    " + s.String()
		advice = append(advice, s.Node+": "+s.Advice)
	}
	return hint.Errorf(strings.Join(advice, "\nhint: "), "%w", explained{text + lines, err})
}

// Error is what was found, with what helps; nil if that is nothing.
func Error(found []Symptom) error {
	errs := []error{}
	for _, s := range found {
		errs = append(errs, hint.Errorf(s.Advice, "%s", s))
	}
	return errors.Join(errs...)
}

// explained is an error in other words.
type explained struct {
	text string
	err  error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.err }

// thisMachine is what is wrong here, and not with the members: all their clocks are off one way. It takes that off their clocks.
func thisMachine(all []Member) []Symptom {
	known := []*Member{}
	for i := range all {
		if all[i].Clock.Known {
			known = append(known, &all[i])
		}
	}
	if len(known) < 2 {
		return nil
	}
	least := known[0].Clock.Ahead
	for _, m := range known {
		if ahead := m.Clock.Ahead; (ahead < 0) != (least < 0) || ahead == 0 {
			return nil
		} else if ahead.Abs() < least.Abs() {
			least = ahead
		}
	}
	here := Member{Node: "this machine", Clock: etcd.Clock{Ahead: -least}}
	off, way := here.off()
	if off <= tolerance {
		return nil
	}
	for _, m := range known {
		m.Clock.Ahead -= least
	}
	return []Symptom{{Node: here.Node, What: fmt.Sprintf("its clock is %s %s the members'", rounded(off), way), Advice: "`timedatectl` shows whether it gets the time from a server", Harmless: true}}
}

// forgetPeers forgets how others look for healthy members if they look for none at an address of its node: there is something between, as
// Kubernetes' network is.
func forgetPeers(all []Member) {
	if slices.ContainsFunc(all, func(m Member) bool { return len(m.Peer.URLs) > 0 && m.isFound() }) {
		return
	}
	for i := range all {
		if all[i].Said.Healthy {
			all[i].Peer.URLs = nil
		}
	}
}
