// Package kind has the kinds of values that settings are of: how the text of one becomes a value in a struct S, and how it looks
// in a cluster file.
package kind

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/workspace"
)

// Of is how the text of a setting becomes a value, and how it looks in a cluster file.
type Of[S any] struct {
	Set   func(s *S, text string) error
	Shape clusterfile.Shape
}

// Plain is a value that set takes, and that looks like any text.
func Plain[S any](set func(*S, string) error) Of[S] { return Of[S]{Set: set} }

// Checked sets the field to what check takes.
func Checked[S any](check func(string) error, field func(*S) *string) func(*S, string) error {
	return func(s *S, value string) error {
		*field(s) = value
		return check(value)
	}
}

// Pattern is a value of text that looks like this.
func Pattern[S any](expression string, set func(*S, string) error) Of[S] {
	return Of[S]{set, clusterfile.Shape{Pattern: expression}}
}

// Number is a whole number from low to high.
func Number[S any](field func(*S) *int, low, high int) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Type: clusterfile.Number, Low: low, High: high}, Set: func(s *S, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("a whole number from %d to %d is allowed", low, high)
		}
		*field(s) = n
		return nil
	}}
}

// Text is any text that is not empty.
func Text[S any](field func(*S) *string) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Filled: true}, Set: func(s *S, value string) error {
		if strings.TrimSpace(value) == "" {
			return errors.New("must not be empty")
		}
		*field(s) = value
		return nil
	}}
}

// Anything is any text.
func Anything[S any](field func(*S) *string) Of[S] {
	return Of[S]{Set: func(s *S, value string) error {
		*field(s) = value
		return nil
	}}
}

// Folder is the path of a folder; the field gets the absolute one.
func Folder[S any](field func(*S) *string) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Filled: true}, Set: func(s *S, value string) error {
		if value == "" {
			return errors.New("must not be empty")
		}
		path, err := workspace.Absolute(value)
		*field(s) = path
		return err
	}}
}

// OneOf is one of the words that are allowed.
func OneOf[S any](field func(*S) *string, allowed ...string) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Words: allowed}, Set: func(s *S, value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%s are allowed", strings.Join(allowed, ", "))
		}
		*field(s) = value
		return nil
	}}
}

// YesNo is on, true, yes, or off, false, no.
func YesNo[S any](field func(*S) *bool) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Type: clusterfile.YesNo}, Set: func(s *S, value string) error {
		yes := slices.Contains([]string{"on", "true", "yes"}, value)
		if !yes && !slices.Contains([]string{"off", "false", "no"}, value) {
			return errors.New("on or off, true or false is allowed")
		}
		*field(s) = yes
		return nil
	}}
}

// Server is the URL of a server: the field gets it without a / at its end. {channel} may stand in it.
func Server[S any](field func(*S) *string) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Filled: true}, Set: func(s *S, value string) error {
		u, err := url.Parse(strings.ReplaceAll(value, "{channel}", "stable"))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return errors.New("a URL is allowed")
		}
		*field(s) = strings.TrimSuffix(value, "/")
		return nil
	}}
}

// Link is the name of a network card or bridge.
func Link[S any](field func(*S) *string) Of[S] {
	return Pattern(link.Pattern, func(s *S, value string) error {
		if !link.IsName(value) {
			return link.ErrNoName
		}
		*field(s) = value
		return nil
	})
}

// OptionalLink is the same, or empty.
func OptionalLink[S any](field func(*S) *string) Of[S] {
	one := Link(field)
	return Pattern("^$|"+link.Pattern, func(s *S, value string) error {
		if value != "" {
			return one.Set(s, value)
		}
		*field(s) = value
		return nil
	})
}

// Duration takes a Go duration or a bare number of seconds.
func Duration[S any](field func(*S) *time.Duration) Of[S] {
	return Of[S]{Shape: clusterfile.Shape{Type: clusterfile.Duration}, Set: func(s *S, value string) error {
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
