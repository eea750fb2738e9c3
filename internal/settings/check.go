package settings

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/settings/words"
	"coreos-libvirt/internal/workspace"
)

// maxLabel is the length of a host name's label in characters (RFC 1123, 2.1).
const maxLabel = 63

var labelStart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// value is how the text of a setting becomes a value, and how it looks in a cluster file.
type value struct {
	set   func(s *Settings, text string) error
	shape clusterfile.Shape
}

// plain is a value of any text.
func plain(set func(*Settings, string) error) value { return value{set: set} }

// checked sets the field to what check takes.
func checked(check func(string) error, field func(*Settings) *string) func(*Settings, string) error {
	return func(s *Settings, value string) error {
		*field(s) = value
		return check(value)
	}
}

func digest() value {
	return pattern(words.Digest.String(), func(s *Settings, value string) error {
		s.SHA256 = strings.ToLower(value)
		return words.CheckDigest(s.SHA256)
	})
}

// pattern is a value of text that looks like this.
func pattern(expression string, set func(*Settings, string) error) value {
	return value{set, clusterfile.Shape{Pattern: expression}}
}

func prefix(s *Settings, value string) error {
	if !labelStart.MatchString(value) {
		return errors.New("makes no valid host name: letters, digits and - are allowed, the first not a - (RFC 1123)")
	}
	s.Prefix = value
	return nil
}

func number(field func(*Settings) *int, low, high int) value {
	return value{shape: clusterfile.Shape{Type: clusterfile.Number, Low: low, High: high}, set: func(s *Settings, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("a whole number from %d to %d is allowed", low, high)
		}
		*field(s) = n
		return nil
	}}
}

// disk is a number of GiB, or 0 for auto.
func disk() value {
	size := number(func(s *Settings) *int { return &s.Disk }, 1, 65536)
	size.shape.Words = []string{"auto"}
	return value{shape: size.shape, set: func(s *Settings, value string) error {
		if value == "auto" || value == "" {
			s.Disk = 0
			return nil
		}
		if err := size.set(s, value); err != nil {
			return fmt.Errorf("auto, or %w", err)
		}
		return nil
	}}
}

func text(field func(*Settings) *string) value {
	return value{shape: clusterfile.Shape{Filled: true}, set: func(s *Settings, value string) error {
		if strings.TrimSpace(value) == "" {
			return errors.New("must not be empty")
		}
		*field(s) = value
		return nil
	}}
}

func anything(field func(*Settings) *string) value {
	return value{set: func(s *Settings, value string) error {
		*field(s) = value
		return nil
	}}
}

func folder(field func(*Settings) *string) value {
	return value{shape: clusterfile.Shape{Filled: true}, set: func(s *Settings, value string) error {
		if value == "" {
			return errors.New("must not be empty")
		}
		path, err := workspace.Absolute(value)
		*field(s) = path
		return err
	}}
}

func oneOf(field func(*Settings) *string, allowed ...string) value {
	return value{shape: clusterfile.Shape{Words: allowed}, set: func(s *Settings, value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%s are allowed", strings.Join(allowed, ", "))
		}
		*field(s) = value
		return nil
	}}
}

func yesNo(field func(*Settings) *bool) value {
	return value{shape: clusterfile.Shape{Type: clusterfile.YesNo}, set: func(s *Settings, value string) error {
		yes := slices.Contains([]string{"on", "true", "yes"}, value)
		if !yes && !slices.Contains([]string{"off", "false", "no"}, value) {
			return errors.New("on or off, true or false is allowed")
		}
		*field(s) = yes
		return nil
	}}
}

// protect is yes or no, or empty: it stays as it is.
func protect(s *Settings, value string) error {
	if s.Protect = value; value == "" {
		return nil
	}
	on := false
	err := yesNo(func(*Settings) *bool { return &on }).set(s, value)
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
	if yesNo(func(s *Settings) *bool { return &s.Keep }).set(s, value) != nil {
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

func server(field func(*Settings) *string) value {
	return value{shape: clusterfile.Shape{Filled: true}, set: func(s *Settings, value string) error {
		u, err := url.Parse(strings.ReplaceAll(value, "{channel}", "stable"))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return errors.New("a URL is allowed")
		}
		*field(s) = strings.TrimSuffix(value, "/")
		return nil
	}}
}

func bridge(s *Settings, value string) error {
	if !link.IsName(value) {
		return link.ErrNoName
	}
	s.Bridge = value
	return nil
}

func optionalLink(field func(*Settings) *string) value {
	return value{shape: clusterfile.Shape{Pattern: "^$|" + link.Pattern}, set: func(s *Settings, value string) error {
		if value != "" && !link.IsName(value) {
			return link.ErrNoName
		}
		*field(s) = value
		return nil
	}}
}

// duration takes a Go duration or a bare number of seconds.
func duration(field func(*Settings) *time.Duration) value {
	return value{shape: clusterfile.Shape{Type: clusterfile.Duration}, set: func(s *Settings, value string) error {
		if _, err := strconv.Atoi(value); err == nil {
			value += "s"
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return errors.New("a duration above zero is allowed: 90s, 10m, 1h30m, or a number of seconds")
		}
		*field(s) = d
		return nil
	}}
}
