package qcow2

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// FuzzHeader reads what begins like an image: what it says is of a size that QEMU could have written, or it is left to qemu-img.
func FuzzHeader(f *testing.F) {
	for _, h := range []header{
		{Magic: [4]byte{'Q', 'F', 'I', 0xfb}, Version: 3, ClusterBits: 16, Size: 1 << 30, L1Size: 2, L1Offset: 1 << 16},
		{Magic: [4]byte{'Q', 'F', 'I', 0xfb}, Version: 3, ClusterBits: 9, BackingOffset: 100, BackingSize: 9, Size: 1 << 63},
		{Magic: [4]byte{'Q', 'F', 'I', 0xfb}, Version: 3, ClusterBits: 21, BackingOffset: 1<<64 - 1, BackingSize: 1023},
		{Magic: [4]byte{'Q', 'F', 'I', 0xfb}, Version: 2, ClusterBits: 64},
	} {
		var text bytes.Buffer
		if err := binary.Write(&text, binary.BigEndian, h); err != nil {
			f.Fatal(err)
		}
		text.WriteString("/a/base.qcow2 and more bytes than a short name")
		f.Add(text.Bytes())
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, image []byte) {
		if names, err := snapshotsOf(bytes.NewReader(image)); len(names) > mostSnapshots || err != nil && names != nil {
			t.Errorf("%d names, %v", len(names), err)
		}
		h, info, err := infoOf(bytes.NewReader(image))
		if err != nil {
			if info != (Info{}) {
				t.Errorf("%v, and yet %+v", err, info)
			}
			return
		}
		if info.VirtualSize < 0 || len(info.Backing) > longestName || info.Backing != "" && !strings.HasPrefix(info.Backing, "/") || h.L1Size > mostL1 {
			t.Errorf("got %+v, %+v", h, info)
		}
	})
}
