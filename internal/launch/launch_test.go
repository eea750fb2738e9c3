package launch

import "testing"

func TestWithTag(t *testing.T) {
	for flags, want := range map[string]string{
		"":                                 "-tags=libvirt_dlopen",
		"-mod=mod":                         "-mod=mod -tags=libvirt_dlopen",
		"-tags=netgo -mod=mod":             "-tags=netgo,libvirt_dlopen -mod=mod",
		"--tags=a,b":                       "--tags=a,b,libvirt_dlopen",
		"-tags=libvirt_dlopen":             "-tags=libvirt_dlopen",
		"-tags=x,libvirt_dlopen -trimpath": "-tags=x,libvirt_dlopen -trimpath",
	} {
		if got := withTag(flags, dlopen); got != want {
			t.Errorf("%q: got %q, want %q", flags, got, want)
		}
	}
}
