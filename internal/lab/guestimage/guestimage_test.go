package guestimage

import (
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	store := t.TempDir()
	path, built := Path(store, Lab)
	if built || filepath.Dir(path) != store || len(filepath.Base(path)) != len("lab-0123456789ab.qcow2") {
		t.Errorf("got %s, %v", path, built)
	}
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if again, built := Path(store, Lab); again != path || !built {
		t.Errorf("got %s, %v", again, built)
	}
	if got, err := Ensure(context.Background(), store, "/", Lab, func(string, ...any) { t.Error("nothing is to be done") }); err != nil || got != path {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestDigestCoversTheRecipe(t *testing.T) {
	for _, file := range []string{"rootfs.sh", "disk.sh", "init", "in-root", "udhcpc-script", "rootfs/boot/grub/grub.cfg"} {
		if digest(file) == digest(".") {
			t.Errorf("%s: its digest is that of all", file)
		}
	}
	if all := map[string]bool{imageDigest(Lab): true, imageDigest(FCOS): true, imageDigest(Flatcar): true}; len(all) != len(Names) {
		t.Errorf("two images have one digest: %v", all)
	}
	if digest("rootfs.sh") == digest("disk.sh") {
		t.Error("two files have one digest")
	}
}

// TestNameOf has each image's own file known, of any digest, and nobody else's.
func TestNameOf(t *testing.T) {
	for _, name := range Names {
		path, _ := Path("/store", name)
		if got := NameOf(path); got != name {
			t.Errorf("%s is taken for %q", path, got)
		}
	}
	for path, want := range map[string]string{
		"/s/lab-0123456789ab.qcow2": Lab, "lab-fcos-0123456789ab.qcow2": FCOS, "lab-flatcar.qcow2": "", "lab-x-0123456789ab.qcow2": "", "flatcar-1.qcow2": "",
	} {
		if got := NameOf(path); got != want {
			t.Errorf("%s is taken for %q", path, got)
		}
	}
	if OS(Lab) != "fcos" || OS(FCOS) != "fcos" || OS(Flatcar) != "flatcar" {
		t.Error("an image stands for another system")
	}
}

// TestEnsureBash takes the bash that is among the parts.
func TestEnsureBash(t *testing.T) {
	store := t.TempDir()
	if err := os.MkdirAll(filepath.Dir(Bash(store)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Bash(store), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := EnsureBash(context.Background(), store, func(string, ...any) { t.Error("nothing is to be done") })
	if err != nil || got != Bash(store) || !strings.HasPrefix(filepath.Base(got), "bash-") {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestEachDifferenceNamesItsSource has every script in which a stand-in differs say which file of which repository it follows.
func TestEachDifferenceNamesItsSource(t *testing.T) {
	for _, pattern := range []string{"*/root/*.sh", "*/initramfs/*.sh", "*/disk.sh", "bash.sh"} {
		files, err := fs.Glob(recipe, pattern)
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, _ := recipe.ReadFile(file)
			if !regexp.MustCompile(`(?m)^# .*\w[\w-]*/\w[\w-]*, `).Match(text) {
				t.Errorf("%s names no source", file)
			}
		}
	}
}

func TestInstallGRUB(t *testing.T) {
	dir := t.TempDir()
	boot, core, disk := filepath.Join(dir, "boot.img"), filepath.Join(dir, "core.img"), filepath.Join(dir, "disk.raw")
	for path, data := range map[string][]byte{
		boot: bytes.Repeat([]byte{0xaa}, sector), core: bytes.Repeat([]byte{0xbb}, 3*sector+7), disk: make([]byte, 2*bootStart*sector),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := installGRUB(disk, boot, core); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	if at := binary.LittleEndian.Uint64(got[0x5c:]); at != bootStart {
		t.Errorf("boot.img loads sector %d", at)
	}
	if got[439] != 0xaa || got[440] != 0 {
		t.Error("the partition table must stay as it was")
	}
	first := got[bootStart*sector:]
	if at, n := binary.LittleEndian.Uint64(first[0x1f4:]), binary.LittleEndian.Uint16(first[0x1fc:]); at != bootStart+1 || n != 3 {
		t.Errorf("core.img's rest is said to be %d sectors from %d", n, at)
	}
	if err := installGRUB(disk, core, core); err == nil {
		t.Error("a boot.img of the wrong size is taken")
	}
}

func TestAFailedBuildLeavesNothingAndTellsWhy(t *testing.T) {
	store := t.TempDir()
	if err := os.MkdirAll(filepath.Join(store, workPattern+"killed", "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Ensure(ctx, store, "/nowhere", Lab, func(string, ...any) {}); err == nil || !strings.HasPrefix(err.Error(), "guest image: ") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(store, workPattern+"*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, built := Path(store, Lab); built {
		t.Error("there is an image all the same")
	}
}

func TestAStepsErrorHasItsLastLines(t *testing.T) {
	b := builder{ctx: context.Background(), dir: t.TempDir()}
	err := b.run(nil, "sh", "-c", "seq 100; exit 3")
	if err == nil || !strings.Contains(err.Error(), "exit status 3\n86\n") || !strings.Contains(err.Error(), "\n100\nhint: ") {
		t.Errorf("got %v", err)
	}
}
