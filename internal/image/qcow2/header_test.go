package qcow2

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestHeadersAreReadAsQEMUReadsThem: of each image, what is read without qemu-img is what qemu-img says, or it is left to that.
func TestHeadersAreReadAsQEMUReadsThem(t *testing.T) {
	base := make1G(t, "qcow2")
	const overlay = `qemu-img create -q -f qcow2 -F qcow2 -b "$base" `
	for name, c := range map[string]struct {
		script string
		plain  bool // whether it is read without qemu-img
	}{
		"overlay":         {overlay + `"$1" 4G`, true},
		"written":         {overlay + `"$1" 4G; qemu-io -c 'write 1G 64k' "$1"`, true},
		"written at end":  {overlay + `"$1" 4G; qemu-io -c 'write 4095M 1M' "$1"`, true},
		"zeros":           {overlay + `"$1" 4G; qemu-io -c 'write -z 0 64k' "$1"`, true},
		"zeros over data": {overlay + `"$1" 4G; qemu-io -c 'write 0 64k' -c 'write -z 0 64k' "$1"`, true},
		"discarded":       {overlay + `"$1" 4G; qemu-io -d unmap -c 'write 0 64k' -c 'discard 0 64k' "$1"`, true},
		"compressed":      {overlay + `"$1" 4G; qemu-io -c 'write -c 0 64k' "$1"`, true},
		"small clusters":  {overlay + `-o cluster_size=512 "$1" 1G; qemu-io -c 'write 1000M 512' "$1"`, true},
		"large clusters":  {overlay + `-o cluster_size=2M "$1" 1G`, true},
		"lazy refcounts":  {overlay + `-o lazy_refcounts=on "$1" 1G`, true},
		"zstd":            {overlay + `-o compression_type=zstd "$1" 1G`, true},
		"alone":           {`qemu-img create -q -f qcow2 "$1" 1G`, true},
		"empty":           {`qemu-img create -q -f qcow2 "$1" 0`, true},
		"preallocated":    {`qemu-img create -q -f qcow2 -o preallocation=metadata "$1" 1G`, true},
		"snapshot":        {overlay + `"$1" 1G; qemu-io -c 'write 0 64k' "$1"; qemu-img snapshot -c s "$1"`, true},
		"version 2":       {overlay + `-o compat=0.10 "$1" 1G`, false},
		"extended":        {overlay + `-o extended_l2=on,cluster_size=128k "$1" 1G; qemu-io -c 'write 0 4k' "$1"`, false},
		"data elsewhere":  {`qemu-img create -q -f qcow2 -o data_file=data "$1" 1G`, false},
		// QEMU measures how much processor time the key takes, and fails if the kernel says none
		"encrypted":  {`for try in 1 2 3 4 5 6 7 8; do qemu-img create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 "$1" 1G && exit; done; exit 1`, false},
		"relative":   {`qemu-img create -q -u -f qcow2 -F qcow2 -b other "$1" 1G`, false},
		"raw":        {`qemu-img create -q -f raw "$1" 1G`, false},
		"broken off": {overlay + `"$1" 1G; truncate -s 90 "$1"`, false},
		"nothing":    {`: > "$1"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "an image & more")
			cmd := exec.Command("sh", "-ec", c.script, "sh", path)
			cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "base="+base)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			compareReading(t, path, c.plain)
		})
	}
}

func compareReading(t *testing.T, path string, plain bool) {
	t.Helper()
	info, err := inspect(path)
	if (err == nil) != plain {
		t.Errorf("read without qemu-img: %v", err)
	}
	if want, errAsked := ask(t.Context(), path); err == nil && (errAsked != nil || info != want) {
		t.Errorf("got %+v, want %+v, %v", info, want, errAsked)
	}
	begin, errBegin := os.ReadFile(path)
	begin = begin[:min(len(begin), 256<<10)]
	read, empty, errRead := Read(bytes.NewReader(begin))
	if truth, _ := count(t.Context(), path); errBegin != nil || errRead == nil && (read != info || empty && !truth) {
		t.Errorf("its beginning: got %+v, empty %v; %v", read, empty, errBegin)
	}
	none, err := pristine(path)
	if want, errAsked := count(t.Context(), path); err == nil && (errAsked != nil || none != want) {
		t.Errorf("pristine: got %v, want %v, %v", none, want, errAsked)
	}
}
