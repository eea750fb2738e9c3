package guest

import (
	"os/exec"
	"strings"
)

// HostName is the name or address that ssh's configuration has for a host's name (ssh_config(5), HostName): the name itself, if that
// says nothing of it.
func HostName(name string) string {
	out, err := exec.Command("ssh", "-G", "--", name).Output()
	if err != nil {
		return name
	}
	for line := range strings.Lines(string(out)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == "hostname" && value != "" {
			return value
		}
	}
	return name
}
