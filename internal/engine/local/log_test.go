package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"
)

func TestLogIsReadFromAnOffset(t *testing.T) {
	var disks Disks
	node := filesIn(t.TempDir())
	log := disks.Log(node)
	if _, err := log.Open(0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v", err)
	}
	save(t, node.Console, "0123456789")
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(node.Console, at, at); err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[int64]string{0: "0123456789", 7: "789", 10: "", 99: "", -3: "789", -10: "0123456789", -99: "0123456789"} {
		file, err := log.Open(offset)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		info, errInfo := file.Stat()
		if err != nil || errInfo != nil || string(text) != want || info.Size() != 10 || !info.ModTime().Equal(at) {
			t.Errorf("from %d: got %q, %v, %v", offset, text, info, errors.Join(err, errInfo))
		}
		_ = file.Close()
	}
	if log.Cut() {
		t.Error("it is whole")
	}
	save(t, node.Console+".0", "before")
	if !log.Cut() {
		t.Error("its beginning was moved away")
	}
	if err := disks.BeginLog(node); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(node.Console); err != nil || len(text) > 0 {
		t.Errorf("begun anew: got %q, %v", text, err)
	}
}
