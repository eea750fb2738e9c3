// Package network is libvirt's own networks: empty if this is built without a C compiler or without the tag libvirt_dlopen.
package network
