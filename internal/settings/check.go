package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"coreos-libvirt/internal/settings/kind"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/settings/words"
)

// maxLabel is the length of a host name's label in characters (RFC 1123, 2.1).
const maxLabel = 63

var labelStart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// value is a kind of value that a field of Settings has.
type value = kind.Of[Settings]

func digest() value {
	return kind.Pattern(words.Digest.String(), func(s *Settings, value string) error {
		s.SHA256 = strings.ToLower(value)
		return words.CheckDigest(s.SHA256)
	})
}

func prefix(s *Settings, value string) error {
	if !labelStart.MatchString(value) {
		return errors.New("makes no valid host name: letters, digits and - are allowed, the first not a - (RFC 1123)")
	}
	s.Prefix = value
	return nil
}

// disk is a number of GiB, or 0 for auto.
func disk() value {
	size := kind.Number(func(s *Settings) *int { return &s.Disk }, 1, 65536)
	size.Shape.Words = []string{"auto"}
	return value{Shape: size.Shape, Set: func(s *Settings, value string) error {
		if value == "auto" || value == "" {
			s.Disk = 0
			return nil
		}
		if err := size.Set(s, value); err != nil {
			return fmt.Errorf("auto, or %w", err)
		}
		return nil
	}}
}

// protect is yes or no, or empty: it stays as it is.
func protect(s *Settings, value string) error {
	if s.Protect = value; value == "" {
		return nil
	}
	on := false
	err := kind.YesNo(func(*Settings) *bool { return &on }).Set(s, value)
	s.Protect = strconv.FormatBool(on)
	return err
}

var hexID = regexp.MustCompile(`^([0-9a-f]{1,16})?$`)

// RemoveSnapshot is what remove= says if it is about a snapshot.
const RemoveSnapshot = "true"

// remove is the id of a member of etcd, or true for a snapshot: neither can be the other. What a target takes, it looks at
// itself.
func remove(s *Settings, value string) error {
	if s.Remove = value; value == "false" {
		s.Remove = ""
	}
	if !hexID.MatchString(s.Remove) && value != RemoveSnapshot {
		return errors.New("a member's id is allowed, as `mage etcd` shows it: 8e9e05c52164694d; or true, of a snapshot that name= names")
	}
	return nil
}

// keep is yes or no, or a number of snapshots: neither can be the other. What a target takes, it looks at itself.
func keep(s *Settings, value string) error {
	s.Keep, s.Copies = false, 0
	if n, err := strconv.Atoi(value); err == nil && n >= 1 && n <= 10000 {
		s.Copies = n
		return nil
	}
	if kind.YesNo(func(s *Settings) *bool { return &s.Keep }).Set(s, value) != nil {
		return errors.New("true or false is allowed, or of snapshots a number from 1 to 10000")
	}
	return nil
}

// What units= says.
const (
	UnitsFail = "fail"
	UnitsWarn = "warn"
	UnitsOff  = "off"
)

func ports(s *Settings, value string) (err error) {
	s.Port, err = link.ParsePorts(value)
	return err
}
