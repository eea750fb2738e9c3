package command

import (
	"os"

	"coreos-libvirt/internal/terminal/progress"
)

// warn says on standard error what is not part of what the target prints.
func warn(format string, args ...any) { progress.New(os.Stderr).Say(format, args...) }
