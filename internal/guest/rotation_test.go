package guest

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// rotate does what virtlogd does with a log of max_size bytes, and begins it again with a text.
func rotate(t *testing.T, path, text string) {
	t.Helper()
	err := errors.Join(unlessMissing(os.Rename(path+".1", path+".2")), unlessMissing(os.Rename(path+".0", path+".1")), os.Rename(path, path+".0"), os.WriteFile(path, []byte(text), 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

func unlessMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func add(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAFailureBehindARotationIsSeen wherever the log was moved away: before, within and behind the line that tells of it.
func TestAFailureBehindARotationIsSeen(t *testing.T) {
	const fails = "Kernel panic - not syncing: Attempted to kill init!"
	for name, c := range map[string]struct {
		moved []string // what the log had each time that it was moved away, since it was read
		now   string
	}{
		"behind":                  {[]string{"noise\r\n"}, fails + "\r\n"},
		"before":                  {[]string{fails + "\r\n"}, "noise\r\n"},
		"within":                  {[]string{"noise\r\n" + fails[:12]}, fails[12:] + "\r\n"},
		"within, without its end": {[]string{fails[:12]}, fails[12:]},
		"twice":                   {[]string{"noise\r\n", fails + "\r\n"}, "noise\r\n"},
		"twice, the first":        {[]string{fails + "\r\n", "noise\r\n"}, ""},
	} {
		for _, read := range []bool{true, false} { // whether the watch began before that
			began := console(t, strings.Repeat("much was said\r\n", 1000))
			path := pathOf(began)
			if told, err := began.Failure(); read && (told != nil || err != nil) {
				t.Fatalf("got %q, %v", told, err)
			}
			for i, text := range c.moved {
				add(t, path, text)
				rotate(t, path, "")
				if i == len(c.moved)-1 {
					add(t, path, c.now)
				}
			}
			if !read {
				began = NewConsole(logAt(path))
			}
			for range 2 { // and nothing is read twice
				if told, err := began.Failure(); err != nil || !slices.Equal(told, []string{fails}) {
					t.Errorf("%s, %t: got %q, %v", name, read, told, err)
				}
			}
		}
	}
}

// TestALogThatBeginsAgainIsRead from its beginning.
func TestALogThatBeginsAgainIsRead(t *testing.T) {
	c := console(t, strings.Repeat("much was said\r\n", 100))
	if told, err := c.Failure(); told != nil || err != nil {
		t.Fatalf("got %q, %v", told, err)
	}
	if err := os.WriteFile(pathOf(c), []byte("No bootable device.\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if told, err := c.Failure(); err != nil || !slices.Equal(told, []string{"No bootable device."}) {
		t.Errorf("got %q, %v", told, err)
	}
}

// TestALineNeedNotEnd: of what has no line break no more is kept than of a line, and none of it is read again.
func TestALineNeedNotEnd(t *testing.T) {
	c := console(t, strings.Repeat("x", 3<<20)+" login: ")
	if told, err := c.Failure(); told != nil || err != nil || c.Phase() != "login" {
		t.Errorf("got %q, %v, %s", told, err, c.Phase())
	}
	if left := int64(3<<20) - c.offset; left > longestPrompt {
		t.Errorf("%d bytes are read again", left)
	}
}

// FuzzConsole has a guest that writes anything, in two parts.
func FuzzConsole(f *testing.F) {
	for _, seed := range []string{bios + flatcarKernel + flatcarSystem + flatcarLogin, uefi + fcosKernel + fcosIgnition + fcosIgnitionFails, fcosRootFails, "grub> ", strings.Repeat("\x1b[2J", 2000)} {
		f.Add(seed[:len(seed)/2], seed[len(seed)/2:], len(seed)%2 == 0)
	}
	path := f.TempDir() + "/console.log"
	f.Fuzz(func(t *testing.T, first, second string, moved bool) {
		if err := errors.Join(os.WriteFile(path, []byte(first), 0o600), unlessMissing(os.Remove(path+".0"))); err != nil {
			t.Fatal(err)
		}
		c := NewConsole(logAt(path))
		if _, err := c.Failure(); err != nil {
			t.Fatal(err)
		}
		if moved {
			rotate(t, path, second)
		} else {
			add(t, path, second)
		}
		told, err := c.Failure()
		if err != nil {
			t.Fatal(err)
		}
		_, unit, errLogin := Login(c.log)
		for _, line := range slices.Concat(told, c.Last(), unit) {
			if len(line) > 500 || strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
				t.Errorf("got %q", line)
			}
		}
		if errLogin != nil || len(told) > 20 || int(c.offset) > len(first)+len(second) {
			t.Errorf("got %d lines, %v, read to %d", len(told), errLogin, c.offset)
		}
	})
}

// FuzzReadReport has a guest that reports anything.
func FuzzReadReport(f *testing.F) {
	f.Add(line)
	f.Add("x\n" + strings.Replace(line, `"uptime":12.5`, `"uptime":-1e300,"network":"no\u001b[2J address","sshd":{}`, 1))
	f.Add(`{"boot_id":"b","host_keys":["ssh-rsa"],"interfaces":[{"address":"` + mac + `","addr_info":[{"family":"inet","local":"::ffff:1.2.3.4%x","scope":"global"}]}]}`)
	f.Fuzz(func(t *testing.T, said string) {
		bad := func(text string) bool {
			return len(text) > 4*longestReason || strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && unicode.IsControl(r) })
		}
		r, err := ReadReport(strings.NewReader(said+"\n"), mac, func(reason string) {
			if reason == "" || bad(reason) {
				t.Errorf("waits for %q", reason)
			}
		})
		if keys, errKeys := r.Keys(); err == nil && (r.Address(mac) == "" || bad(r.HostName) || bad(r.Address(mac)) || errKeys == nil && len(keys) != len(r.HostKeys)) {
			t.Errorf("got %+v, %v", r, errKeys)
		}
	})
}
