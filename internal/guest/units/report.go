package units

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/guest"
)

// Report is how the units of a node are.
type Report struct {
	State string `json:"state"` // systemd's word for the whole system: running, degraded, starting
	Units []Unit `json:"units"` // those that the config brings, sorted by name; then others that have failed
}

// OfReport is how a node's units are as its own report says it: which have failed, and no more. known is false if
// the node does not say it.
func OfReport(said *guest.Units, brought []Brought) (r Report, known bool) {
	if said == nil {
		return r, false
	}
	r = Report{State: said.State, Units: []Unit{}}
	for _, name := range said.Failed {
		r.Units = append(r.Units, Unit{Name: name, OfConfig: slices.ContainsFunc(brought, func(b Brought) bool { return b.Name == name }), Fault: Failed})
	}
	return r, said.State != "degraded" || len(r.Units) > 0
}

// Unit is how one is.
type Unit struct {
	Name     string   `json:"unit"`
	OfConfig bool     `json:"of_config"`         // whether the config brings it
	Quadlet  string   `json:"quadlet,omitempty"` // the file that Podman makes it of
	Active   string   `json:"active"`            // systemd's words: active, inactive, failed, activating
	Sub      string   `json:"sub"`               // and: running, exited, dead, auto-restart
	Result   string   `json:"result,omitempty"`  // of what has failed: exit-code, signal, timeout, start-limit-hit, dependency
	Exit     string   `json:"exit,omitempty"`    // of its main process: status 203/EXEC, signal SIGKILL
	Restarts int      `json:"restarts,omitempty"`
	Fault    Fault    `json:"fault,omitempty"`
	Why      string   `json:"why,omitempty"`
	Journal  []string `json:"journal,omitempty"` // its last lines, if it is not well
}

// Fault is what is wrong with a unit.
type Fault string

// The faults.
const (
	None     Fault = ""
	Failed   Fault = "failed"
	Loops    Fault = "restarts again and again"
	Missing  Fault = "missing"    // it cannot be loaded, or the generator that makes it did not
	Idle     Fault = "not active" // though the config wants it to be
	Starting Fault = "starting"   // longer than it was waited for
)

// HasFailed reports whether that is wrong by which a unit of the config counts as failed.
func (f Fault) HasFailed() bool { return f == Failed || f == Loops || f == Missing }

// Failed are the units which the config brings and that have failed: they cannot be loaded, have failed in systemd's sense, or
// are restarted over and over.
func (r Report) Failed() []Unit {
	return r.which(func(u Unit) bool { return u.OfConfig && u.Fault.HasFailed() })
}

// Unwell are all units with which something is wrong.
func (r Report) Unwell() []Unit {
	return r.which(func(u Unit) bool { return u.Fault != None })
}

func (r Report) which(is func(Unit) bool) []Unit {
	return slices.DeleteFunc(slices.Clone(r.Units), func(u Unit) bool { return !is(u) })
}

// Brief is the report in a cell of a table: well, or the worst that there is, with names.
func (r Report) Brief() string {
	for _, kind := range []struct {
		says string
		of   func(Unit) bool
	}{
		{"failed: ", func(u Unit) bool { return u.OfConfig && u.Fault.HasFailed() }},
		{"not active: ", func(u Unit) bool { return u.Fault == Idle }},
		{"starting: ", func(u Unit) bool { return u.Fault == Starting }},
		{"failed, not of the config: ", func(u Unit) bool { return u.Fault.HasFailed() }},
	} {
		if all := r.which(kind.of); len(all) > 0 {
			return kind.says + Names(all)
		}
	}
	if r.State == "starting" || r.State == "initializing" {
		return "starting"
	}
	return Well
}

// Well is the Brief of a report with which nothing is wrong.
const Well = "well"

// Names are those of the units, the first few.
func Names(all []Unit) string {
	const most = 3
	names := []string{}
	for _, u := range all[:min(most, len(all))] {
		names = append(names, u.Name)
	}
	if more := len(all) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names, ", ")
}

// Lines name all units with which something is wrong, and what they said last, indented.
func (r Report) Lines() (lines []string) {
	for _, u := range r.Unwell() {
		lines = append(lines, u.Says())
		for _, line := range u.Journal {
			lines = append(lines, "    "+line)
		}
	}
	return lines
}

// Says is what is wrong with the unit, in a line.
func (u Unit) Says() string {
	said := u.Name
	if !u.OfConfig {
		said += ", which is not of the config,"
	}
	details := u.details()
	switch u.Fault {
	case Failed:
		said += " has failed"
	case Loops:
		said += " " + string(Loops)
	case Starting:
		said += " is still being started"
	default:
		said += " is " + string(u.Fault)
	}
	if len(details) == 0 {
		return said
	}
	return said + ": " + strings.Join(details, ", ")
}

// details are what is known of the fault beside its kind.
func (u Unit) details() (all []string) {
	for _, one := range []string{u.Why, u.Result, u.Exit} {
		if one != "" && (one != "signal" || u.Exit == "") { // which the exit says, too
			all = append(all, one)
		}
	}
	if u.Restarts > 0 {
		all = append(all, fmt.Sprintf("restarts so far: %d", u.Restarts))
	}
	return all
}

// systemdStatuses are the names of exit statuses that systemd itself gives, from 200 on (systemd.exec(5)).
var systemdStatuses = strings.Fields(`CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO TIMERSLACK
SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM STDERR - PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES
SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY - CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY
CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF`)

// The values of ExecMainCode: those of si_code for SIGCHLD (sigaction(2)).
const (
	exited = 1
	killed = 2
	dumped = 3
)

// exitOf is how a unit's main process ended, if that was not as it should.
func exitOf(r record) string {
	status := r.number("ExecMainStatus")
	switch code := r.number("ExecMainCode"); {
	case code == exited && status == 0:
		return ""
	case code == exited:
		return "status " + statusName(status)
	case code == killed || code == dumped:
		if name := unix.SignalName(syscall.Signal(status)); name != "" {
			return "signal " + name
		}
		return fmt.Sprintf("signal %d", status)
	}
	return ""
}

func statusName(status int) string {
	if at := status - 200; at >= 0 && at < len(systemdStatuses) && systemdStatuses[at] != "-" {
		return fmt.Sprintf("%d/%s", status, systemdStatuses[at])
	}
	return fmt.Sprint(status)
}
