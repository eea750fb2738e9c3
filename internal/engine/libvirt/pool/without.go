//go:build !cgo || !libvirt_dlopen

// Package pool, built without a C compiler or without the tag libvirt_dlopen: there is none.
package pool
