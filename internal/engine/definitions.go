package engine

// Definitions are how an engine writes down what a domain is. They are text in and values out: no engine has to be open for
// that.
type Definitions interface {
	// Fill fills the template of a definition for a node.
	Fill(template string, hw Hardware) (Definition, error)
	// Parse reads the definition of a domain. The state is not part of it.
	Parse(text string) (Domain, error)
	// Comparable is the definition without what the engine adds by itself when the domain first starts, and in an order of
	// its own.
	Comparable(text string) string
	// LiveChanges compares two definitions of a domain, and what the running one has with the second.
	LiveChanges(was, is string, runs Machine) (Live, error)
}

// Definition is the definition of a domain as the engine writes it, but for the mark.
type Definition interface {
	// Digest is the sha256 of the definition without a mark, in hex.
	Digest() string
	// With is the definition with the mark in it, which gets the digest.
	With(mark Metadata) (text string, err error)
}
