//go:build !cgo || !libvirt_dlopen

// Package snapshots, built without a C compiler or without the tag libvirt_dlopen, has nothing.
package snapshots
