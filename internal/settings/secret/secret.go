// Package secret is settings with a password in them: how their text looks, and that no list of processes shows it.
package secret

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// ofMembers is the setting whose value may name a file.
const ofMembers = "etcd_user"

// names are the settings that have a password.
var names = []string{"discovery_user", ofMembers}

// Pattern is of what a user of the members may be in a cluster file.
const Pattern = `^(@.+|[^:@][^:]*:.+)?$`

// longestFile is how many bytes a file with a user and a password may have.
const longestFile = 4 << 10

// Is reports whether the setting of that name has a password in its value, and does not only name a file.
func Is(name, value string) bool {
	return slices.Contains(names, name) && (name != ofMembers || !IsFile(value))
}

// IsFile reports whether the value names a file with the user and the password: "@/etc/etcd-user".
func IsFile(value string) bool { return strings.HasPrefix(value, "@") }

// Shown is the setting's value without a password.
func Shown(name, value string) string {
	user, _, has := strings.Cut(value, ":")
	switch {
	case value == "" || !Is(name, value):
		return value
	case has:
		return user + ":…"
	}
	return "…"
}

// CheckUser finds out whether the text is "", "name:password" or "@file". No file is read.
func CheckUser(text string) error {
	if text == "" || IsFile(text) && len(text) > 1 {
		return nil
	}
	name, password, _ := strings.Cut(text, ":")
	if IsFile(text) || name == "" || password == "" || strings.ContainsFunc(text, isControl) {
		return errors.New("name:password is allowed, or @ and the path of a file with that in it")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// User is the user and the password that the text has, or the file that it names; both are empty if the text is.
func User(text string) (name, password string, err error) {
	if IsFile(text) {
		path := text[1:]
		if text, err = read(path); err != nil {
			return "", "", hint.Add(fmt.Errorf("etcd_user=@%s: %w", path, err), fmt.Sprintf("install -m 600 /dev/stdin %q   # then type name:password, Enter and Ctrl-D", path))
		}
	}
	name, password, _ = strings.Cut(text, ":")
	return name, password, nil
}

// read is the one line of a file that only its owner may read.
func read(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Size() > longestFile:
		return "", errors.New("this is not a file with name:password in it")
	case info.Mode().Perm()&0o077 != 0:
		return "", hint.Errorf(fmt.Sprintf("chmod 600 %q", path), "others may read the password in it (mode %04o)", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	line := strings.TrimRight(string(text), "\r\n")
	if err == nil && (line == "" || IsFile(line) || CheckUser(line) != nil) {
		err = errors.New("there is no line name:password in it, and nothing else")
	}
	return line, err
}
