package wire

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Alarms that etcd raises (api/etcdserverpb/rpc.proto).
const (
	NoSpace = "NOSPACE" // a member's database is as large as it may be
	Corrupt = "CORRUPT" // a member's data are not those of the others
)

// Alarm is one that was raised for a member. All members report all alarms.
type Alarm struct {
	Member uint64
	Name   string
}

var alarmForm = regexp.MustCompile(`memberID:(\d+)\s+alarm:([A-Z]+)`)

// AlarmsIn are the alarms in the errors of a member's status.
func AlarmsIn(said []string) (alarms []Alarm) {
	for _, found := range alarmForm.FindAllStringSubmatch(strings.Join(said, "\n"), -1) {
		if id, err := strconv.ParseUint(found[1], 10, 64); err == nil {
			alarms = append(alarms, Alarm{id, found[2]})
		}
	}
	return alarms
}

// Raised notes of the member what was raised for it, and gives why etcd takes no writes at it, if it is well by itself; nil if etcd does.
// One whose data are damaged says so itself, and the others are well.
func (m *Member) Raised(alarms []Alarm, id uint64, peers []Peer) (err error) {
	names := []string{}
	for _, a := range alarms {
		switch own := a.Member == id; {
		case own:
			names = append(names, a.Name)
		case a.Name == NoSpace && err == nil:
			err = errors.New("etcd takes no writes: another member's database is full (alarm NOSPACE)")
		case a.Name != NoSpace && !IsMember(peers, a.Member):
			err = fmt.Errorf("etcd takes no writes: the alarm %s of a member that is gone has not been disarmed", a.Name)
		}
	}
	slices.Sort(names)
	m.Alarms = strings.Join(slices.Compact(names), ",")
	switch {
	case m.IsCorrupt():
		return errors.New("its data are not those of the others (alarm CORRUPT)")
	case len(names) > 0:
		err = errors.New("its database is full (alarm NOSPACE)")
	}
	m.ReadOnly = err != nil
	return err
}

// IsCorrupt reports whether the member's data are not those of the others.
func (m *Member) IsCorrupt() bool { return slices.Contains(strings.Split(m.Alarms, ","), Corrupt) }

// IsMember reports whether a member of that id is among them.
func IsMember(peers []Peer, id uint64) bool {
	return slices.ContainsFunc(peers, func(p Peer) bool { return p.ID == strconv.FormatUint(id, 16) })
}
