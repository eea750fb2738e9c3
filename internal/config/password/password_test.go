package password

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl is the peer: it makes the same line of the same salt.
func TestHashIsCrypts(t *testing.T) {
	for _, rounds := range []int{5000, 1000} {
		line, err := Hash("secret word", rounds)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "rounds=") != (rounds != 5000) || !strings.HasPrefix(line, "$6$") {
			t.Errorf("rounds %d: got %s", rounds, line)
		}
		fields := strings.Split(line, "$")
		salt := strings.Join(fields[2:len(fields)-1], "$")
		out, err := exec.Command("openssl", "passwd", "-6", "-salt", salt, "secret word").Output()
		if err != nil {
			t.Skipf("no openssl: %v", err)
		}
		if got := strings.TrimSpace(string(out)); got != line {
			t.Errorf("openssl says %s, this says %s", got, line)
		}
	}
	if _, err := Hash("x", 1); err == nil {
		t.Error("one round is taken")
	}
}

func TestReadFromAPipe(t *testing.T) {
	for text, want := range map[string]string{"secret\n": "secret", "two words": "two words", "a\nb\n": "a", "": "", "\n": ""} {
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), file, io.Discard)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}
