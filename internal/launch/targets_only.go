//go:build !program

package launch

// Whole reports whether this is the program that `mage build` makes: it has all that targets need, and never builds itself again.
const Whole = false
