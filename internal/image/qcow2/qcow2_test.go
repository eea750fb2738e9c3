package qcow2

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func make1G(t *testing.T, format string, more ...string) string {
	t.Helper()
	return makeImage(t, "1G", format, more...)
}

func makeImage(t *testing.T, size, format string, more ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a base & image."+format)
	args := append([]string{"create", "-q", "-f", format}, more...)
	if out, err := exec.Command("qemu-img", append(args, path, size)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// createOverlay is what is done for a node.
func createOverlay(ctx context.Context, path, base string, size int) error {
	size, err := OverlaySize(ctx, base, size)
	if err != nil {
		return err
	}
	prepared, err := Prepare(ctx, path, base, size)
	if err != nil {
		return err
	}
	return os.Rename(prepared, path)
}

func TestCreateOverlay(t *testing.T) {
	ctx := context.Background()
	base := make1G(t, "qcow2")
	overlay := filepath.Join(t.TempDir(), "core01", "core01.qcow2")
	if err := createOverlay(ctx, overlay, base, 4); err != nil {
		t.Fatal(err)
	}
	info, err := Inspect(ctx, overlay)
	if err != nil || info.Format != "qcow2" || info.Backing != base || info.VirtualSize != 4*gib {
		t.Errorf("got %+v, %v", info, err)
	}
	if pristine, err := Pristine(ctx, overlay); err != nil || !pristine {
		t.Errorf("a new overlay: pristine %v, %v", pristine, err)
	}
	if out, err := exec.Command("qemu-io", "-c", "write 0 64k", overlay).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if pristine, err := Pristine(ctx, overlay); err != nil || pristine {
		t.Errorf("a written overlay: pristine %v, %v", pristine, err)
	}
}

// TestAKilledRunIsNoObstacle: a qemu-img of its own may still hold the file that it was making.
func TestAKilledRunIsNoObstacle(t *testing.T) {
	ctx := context.Background()
	base, overlay := make1G(t, "qcow2"), filepath.Join(t.TempDir(), "core01.qcow2")
	left, err := Prepare(ctx, overlay, base, 4)
	if err != nil {
		t.Fatal(err)
	}
	holder := exec.Command("qemu-io", left)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 8)); err != nil { // its prompt: it has the file open
		t.Fatal(err)
	}
	if err := createOverlay(ctx, overlay, base, 4); err != nil {
		t.Error(err)
	}
	_ = stdin.Close()
	_ = holder.Wait()
	if files, _ := filepath.Glob(filepath.Dir(overlay) + "/*"); len(files) != 1 {
		t.Errorf("there are %v", files)
	}
}

func TestCreateOverlayRefuses(t *testing.T) {
	ctx := context.Background()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no image at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	base := make1G(t, "qcow2")
	for name, c := range map[string]struct {
		base string
		size int
		want string
	}{
		"no image":       {text, 4, "is not a qcow2 image but raw"},
		"raw image":      {make1G(t, "raw"), 4, "is not a qcow2 image but raw"},
		"nothing":        {"/nowhere.qcow2", 4, "no base image"},
		"another's":      {make1G(t, "qcow2", "-b", base, "-F", "qcow2"), 4, "stands on another image"},
		"data elsewhere": {make1G(t, "qcow2", "-o", "data_file="+filepath.Join(t.TempDir(), "data")), 4, "keeps its data in another file"},
		"a smaller disk": {makeImage(t, "12534M", "qcow2"), 12, "disk=12 is smaller than the base image"},
	} {
		overlay := filepath.Join(t.TempDir(), "x.qcow2")
		err := createOverlay(ctx, overlay, c.base, c.size)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%s: got %v", name, err)
		}
		if left, _ := filepath.Glob(filepath.Dir(overlay) + "/*"); len(left) != 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestOverlaySize(t *testing.T) {
	for _, c := range []struct {
		image      string
		wanted, is int
	}{
		{"1G", 0, 10},
		{"1G", 1, 1},
		{"1G", 20, 20},
		{"8694M", 0, 10},  // Flatcar before 4593
		{"12534M", 0, 13}, // and since
		{"12534M", 13, 13},
		{"13G", 0, 13},
		{"12G", 12, 12},
	} {
		if got, err := OverlaySize(t.Context(), makeImage(t, c.image, "qcow2"), c.wanted); err != nil || got != c.is {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
	}
}
