//go:build cgo && libvirt_dlopen

// Package refusal is what libvirt says when it refuses a call.
package refusal

import (
	"errors"
	"strings"

	"libvirt.org/go/libvirt"
)

// Plain makes libvirt's error read as a sentence: its message without codes and domains, and
// without the line ends that programs print which it has called.
func Plain(err error) error {
	var e libvirt.Error
	if errors.As(err, &e) {
		return errors.New(strings.TrimSpace(e.Message))
	}
	return err
}

// Is reports whether the error is libvirt's of that number.
func Is(err error, code libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == code
}
