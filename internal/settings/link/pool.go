package link

import (
	"errors"
	"regexp"
)

// PoolPattern is what a storage pool may be called, or empty: libvirt allows more, which would have to be quoted in commands.
const PoolPattern = "^$|^[A-Za-z0-9][A-Za-z0-9_.-]*$"

var poolName = regexp.MustCompile(PoolPattern)

// CheckPool is an error if the text can be the name of no storage pool.
func CheckPool(name string) error {
	if !poolName.MatchString(name) {
		return errors.New("the name of a storage pool is allowed: letters, digits, '.', '-' and '_'")
	}
	return nil
}
