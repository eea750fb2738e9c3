package guestimage

import (
	"encoding/binary"
	"fmt"
	"os"
)

// The disk's layout in sectors of 512 bytes: the BIOS boot partition begins at sector bootStart.
const (
	sector    = 512
	bootStart = 2048
)

// installGRUB writes GRUB's boot.img and core.img to the disk as grub-install would, without a loop
// device. The places are those of grub-core/boot/i386/pc/boot.S and diskboot.S.
func installGRUB(disk, bootImage, coreImage string) error {
	boot, err := os.ReadFile(bootImage)
	if err != nil {
		return err
	}
	core, err := os.ReadFile(coreImage)
	if err != nil {
		return err
	}
	if len(boot) != sector || len(core) < 2*sector {
		return fmt.Errorf("%s and %s are not GRUB images", bootImage, coreImage)
	}
	file, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	// the first 440 bytes are code; what follows is the disk's signature and protective partition table
	if _, err := file.WriteAt(patchBoot(boot)[:440], 0); err != nil {
		return err
	}
	if _, err := file.WriteAt(patchCore(core), bootStart*sector); err != nil {
		return err
	}
	return file.Close()
}

// patchBoot tells boot.img where core.img begins, and not to trust the BIOS' drive check away.
func patchBoot(boot []byte) []byte {
	binary.LittleEndian.PutUint64(boot[0x5c:], bootStart) // kernel_sector
	copy(boot[0x66:], []byte{0x90, 0x90})                 // boot_drive_check: two NOPs
	return boot
}

// patchCore tells core.img's first sector where its other sectors are, and fills the last one up.
func patchCore(core []byte) []byte {
	rest := (len(core)+sector-1)/sector - 1
	binary.LittleEndian.PutUint64(core[0x1f4:], bootStart+1)
	binary.LittleEndian.PutUint16(core[0x1fc:], uint16(rest)) //nolint:gosec // core.img has some 300 sectors
	return append(core, make([]byte, (rest+1)*sector-len(core))...)
}
