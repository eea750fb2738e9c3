package command

import (
	"os/exec"

	"coreos-libvirt/internal/terminal/hint"
)

// needsGo is an error if there is no Go to build a part with that the program of `mage build` does not have in it.
func needsGo(what string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return hint.Errorf("install Go from https://go.dev/dl or your distribution", "%s is built, and that needs Go: %w", what, err)
	}
	return nil
}
