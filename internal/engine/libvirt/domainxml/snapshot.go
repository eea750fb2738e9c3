package domainxml

import (
	"encoding/xml"
	"fmt"
	"time"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
)

// snapshot is what is read of one (https://libvirt.org/formatsnapshot.html).
type snapshot struct {
	Name        string `xml:"name"`
	Description string `xml:"description"`
	State       string `xml:"state"`
	Created     int64  `xml:"creationTime"` // seconds since 1970
	Memory      struct {
		Where string `xml:"snapshot,attr"`
	} `xml:"memory"`
	Disks []struct {
		Where string `xml:"snapshot,attr"`
	} `xml:"disks>disk"`
	Files []struct {
		Path string `xml:"file,attr"`
	} `xml:"domain>devices>disk>source"`
}

// ParseSnapshot reads a snapshot of a domain.
func ParseSnapshot(text string) (engine.Snapshot, error) {
	var x snapshot
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return engine.Snapshot{}, fmt.Errorf("cannot read a snapshot: %w", err)
	}
	s := engine.Snapshot{Name: x.Name, Note: x.Description, Made: time.Unix(x.Created, 0), Inside: x.Memory.Where != "external"}
	s.Memory = x.State == "running" || x.State == "paused"
	for _, disk := range x.Disks {
		s.Inside = s.Inside && disk.Where != "external"
	}
	for _, file := range x.Files {
		if file.Path != "" {
			s.Disks = append(s.Disks, file.Path)
		}
	}
	return s, nil
}

// Snapshot is what libvirt makes one of: inside the disks' files, if nothing else is said.
func Snapshot(name, note string) (string, error) {
	return (&libvirtxml.DomainSnapshot{Name: name, Description: note}).Marshal()
}
