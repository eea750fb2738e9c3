// Package words says what words of settings may look like. Each function gives an error that is the rest of a sentence which begins
// with the word.
package words

import (
	"errors"
	"regexp"
)

// snapshotNames are what QEMU takes for a name and not for a number of its own, and what a shell takes as it is.
var snapshotNames = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]{0,62})?$`)

// SnapshotName checks what a snapshot is to be called.
func SnapshotName(value string) error {
	return fits(snapshotNames, value, "up to 63 letters, digits and . _ - are allowed, the first a letter")
}

// Digest are 64 hexadecimal digits, or none.
var Digest = regexp.MustCompile(`^([0-9a-f]{64})?$`)

// CheckDigest checks a sha256.
func CheckDigest(value string) error { return fits(Digest, value, "64 hexadecimal digits are allowed") }

// UserAndPassword are what shells and units take as it is: they become arguments of etcd's.
var UserAndPassword = regexp.MustCompile(`^([A-Za-z0-9._@+-]+:[A-Za-z0-9._@+=~,/-]+)?$`)

// CheckCredentials checks user:password.
func CheckCredentials(value string) error {
	return fits(UserAndPassword, value, "user:password is allowed, of letters, digits and . _ @ + - (in the password = ~ , / too)")
}

// Login is what useradd(8) takes: it stands in ssh's configuration, and in what a shell evaluates.
var Login = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$`)

// CheckLogin checks a user's name.
func CheckLogin(value string) error {
	return fits(Login, value, "is not the name of a user: up to 32 letters, digits and _ . - are allowed, the first not . or -")
}

// unitName is a name of systemd.unit(5), or a pattern of names as journalctl(1) takes it; the kind may be left out.
var unitName = regexp.MustCompile(`^([A-Za-z0-9:_.*?\\][A-Za-z0-9:_.@*?\\-]{0,254})?$`)

// CheckUnit checks a unit's name, or a pattern of names.
func CheckUnit(value string) error {
	return fits(unitName, value, "is not the name of a unit: etcd.service, or etcd, or a pattern, 'etcd*'")
}

// Namespace is what Kubernetes takes for one (RFC 1123, a label), or none.
var Namespace = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`)

// CheckNamespace checks a namespace of Kubernetes.
func CheckNamespace(value string) error {
	return fits(Namespace, value, "up to 63 small letters, digits and - are allowed, neither first nor last a -")
}

// StorageClass is what Kubernetes takes for most objects' names (RFC 1123, a subdomain), or none.
var StorageClass = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$`)

// CheckStorageClass checks the name of a storage class of Kubernetes.
func CheckStorageClass(value string) error {
	return fits(StorageClass, value, "up to 253 small letters, digits and . - are allowed, the first and the last a letter or digit")
}

// NAD is the name of an object of Kubernetes, with or without its namespace, or none.
var NAD = regexp.MustCompile(`^(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$`)

// CheckNAD checks the name of a NetworkAttachmentDefinition.
func CheckNAD(value string) error {
	return fits(NAD, value, "the name of a NetworkAttachmentDefinition is allowed, or namespace/name: small letters, digits and . -")
}

func fits(what *regexp.Regexp, value, wrong string) error {
	if !what.MatchString(value) {
		return errors.New(wrong)
	}
	return nil
}
