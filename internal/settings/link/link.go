// Package link says what network cards and bridges may be called.
package link

import (
	"errors"
	"regexp"
)

// Pattern is what IsName takes, but . and ..
const Pattern = `^[A-Za-z0-9._][A-Za-z0-9._-]{0,14}$`

// interfaceName has IFNAMSIZ less the final zero; the kernel takes more characters, shells and files do not.
var interfaceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,15}$`)

// ErrNoName says what is allowed.
var ErrNoName = errors.New("is not an interface name: 1 to 15 letters, digits and . _ - are allowed, the first not a -")

// IsName reports whether a card, or a bridge, may have that name. It becomes a part of paths, and a word of commands.
func IsName(name string) bool {
	return interfaceName.MatchString(name) && name != "." && name != ".." && name[0] != '-'
}
