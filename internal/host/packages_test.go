package host

import (
	"context"
	"slices"
	"testing"
)

func TestMissing(t *testing.T) {
	got := missing(context.Background(), []string{"dpkg", "no-such-package-anywhere", "bash"})
	if !slices.Equal(got, []string{"no-such-package-anywhere"}) {
		t.Errorf("got %v", got)
	}
}

func TestEnsurePackagesIsSilentWhenAllAreThere(t *testing.T) {
	err := EnsurePackages(context.Background(), []string{"dpkg", "bash"}, func(format string, _ ...any) { t.Errorf("said %q", format) })
	if err != nil {
		t.Error(err)
	}
}
