package guest

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// elsewhere is the log of a node on another host: no file of this one, so os.SameFile knows nothing of it.
type elsewhere struct {
	Log
	files fstest.MapFS
}

func (e elsewhere) Parts() (parts []fs.File, err error) {
	for _, name := range []string{"log.0", "log"} {
		if _, there := e.files[name]; !there {
			continue
		}
		file, err := e.files.Open(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, file)
	}
	return parts, nil
}

// TestALogOfAnotherHost is read on where it was read to, also when it was moved away: each line counts once.
func TestALogOfAnotherHost(t *testing.T) {
	const boot = "SeaBIOS (version 1.16.2)\nLinux version 6.1.0\n"
	log := elsewhere{files: fstest.MapFS{"log": {Data: []byte(boot), Sys: 1}}}
	c := NewConsole(log)
	for range 2 * enough {
		if told, err := c.Failure(); told != nil || err != nil {
			t.Fatalf("one boot: got %q, %v", told, err)
		}
	}
	log.files["log.0"] = &fstest.MapFile{Data: []byte(boot + "Welcome\n"), Sys: 1}
	log.files["log"] = &fstest.MapFile{Data: []byte("to it\n"), Sys: 2}
	for range 2 * enough {
		if told, err := c.Failure(); told != nil || err != nil {
			t.Fatalf("moved away: got %q, %v", told, err)
		}
	}
	if got := strings.Join(c.Last(), "|"); got != "SeaBIOS (version 1.16.2)|Linux version 6.1.0|Welcome|to it" {
		t.Errorf("got %s", got)
	}
}
