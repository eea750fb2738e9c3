package domainxml

import (
	"slices"

	"libvirt.org/go/libvirtxml"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// furtherDisk is a further disk in the template.
type furtherDisk struct {
	engine.FurtherDisk
	Device string // vdb and those after it
}

// furtherDisks are the disks, with their devices in their order.
func furtherDisks(disks []engine.FurtherDisk) (all []furtherDisk) {
	for i, disk := range disks {
		all = append(all, furtherDisk{disk, "vd" + string(rune('b'+i))})
	}
	return all
}

// furtherFields are those of the further disks and cards that a user or a path decides.
func furtherFields(in filled) (fields []*string) {
	for i := range in.Disks {
		fields = append(fields, &in.Disks[i].Name, &in.Disks[i].File)
	}
	for i := range in.Cards {
		link := &in.Cards[i].Link
		fields = append(fields, &link.Bridge, &link.Network, &link.Direct)
	}
	return fields
}

// checkFurther refuses a definition without all further disks and cards: its template is older than those.
func checkFurther(domain libvirtxml.Domain, hw engine.Hardware) error {
	devices := domain.Devices
	if devices == nil {
		devices = &libvirtxml.DomainDeviceList{}
	}
	for _, want := range hw.Disks {
		if !slices.ContainsFunc(devices.Disks, func(disk libvirtxml.DomainDisk) bool { return disk.Serial == want.Name }) {
			return hint.Errorf("copy the part {{range .Disks}} of the project's own template: git log -p templates/domain.xml.tmpl shows it",
				"the domain template leaves the further disk %s (disks=) out", want.Name)
		}
	}
	for _, want := range hw.Cards {
		if !slices.ContainsFunc(devices.Interfaces, func(card libvirtxml.DomainInterface) bool { return card.MAC != nil && card.MAC.Address == want.MAC }) {
			return hint.Errorf("copy the part {{range .Cards}} of the project's own template: git log -p templates/domain.xml.tmpl shows it",
				"the domain template leaves the further network card on %s (networks=) out", want.Link)
		}
	}
	return nil
}

// newDisks takes the disks out of now that come after as many as old has. They are as libvirt's XML.
func newDisks(old, now *libvirtxml.Domain) (texts []string, err error) {
	if old.Devices == nil || now.Devices == nil || len(old.Devices.Disks) >= len(now.Devices.Disks) {
		return nil, nil
	}
	had := len(old.Devices.Disks)
	for _, disk := range now.Devices.Disks[had:] {
		text, err := disk.Marshal()
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	now.Devices.Disks = now.Devices.Disks[:had]
	return texts, nil
}

// HasDisk reports whether the definition has the disk, by its file.
func HasDisk(text, disk string) bool {
	var domain libvirtxml.Domain
	var want libvirtxml.DomainDisk
	if domain.Unmarshal(text) != nil || want.Unmarshal(disk) != nil || domain.Devices == nil {
		return false
	}
	return slices.ContainsFunc(domain.Devices.Disks, func(has libvirtxml.DomainDisk) bool {
		return fileOf(has) != "" && fileOf(has) == fileOf(want)
	})
}

func fileOf(disk libvirtxml.DomainDisk) string {
	if disk.Source == nil || disk.Source.File == nil {
		return ""
	}
	return disk.Source.File.File
}
