package command

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A file that a program is still writing is not reported, however long it takes: only when nothing more comes.
func TestHalfWrittenSave(t *testing.T) {
	t.Chdir(t.TempDir())
	const config, end = "config.yml", "# the end\n"
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := watchFiles([]string{config}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer files.close()
	files.quiet = 2 * time.Second // long beside the pause between two pieces, also on a slow machine
	wrote := make(chan error, 1)
	go func() { wrote <- inPieces(config, end, files.quiet+files.quiet/2) }()
	if !files.next(t.Context()) {
		t.Fatal("the save was not seen")
	}
	text, err := os.ReadFile(config)
	if err != nil || len(text) < len(end) || string(text[len(text)-len(end):]) != end {
		t.Errorf("seen while it was written: %d bytes, %v", len(text), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// inPieces writes a file piece by piece for as long as takes, and then its end.
func inPieces(path, end string, takes time.Duration) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < takes; time.Sleep(takes / 100) {
		if _, err := file.WriteString("storage: [\n"); err != nil {
			return err
		}
	}
	if _, err := file.WriteString(end); err != nil {
		return err
	}
	return file.Close()
}

// What writes all the time does not keep a save from being seen.
func TestSaveBesideAWriter(t *testing.T) {
	t.Chdir(t.TempDir())
	const config = "config.yml"
	if err := os.MkdirAll("files", 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := watchFiles([]string{config}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer files.close()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(files.quiet / 10):
				_ = os.WriteFile(filepath.Join("files", "log"), []byte("x"), 0o600)
			}
		}
	}()
	if !files.next(t.Context()) {
		t.Error("the save was not seen")
	}
	close(stop)
	<-done
}
