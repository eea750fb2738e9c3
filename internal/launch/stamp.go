package launch

import (
	"fmt"
	"os/exec"
	"strings"
)

// ProgramFlags are GOFLAGS by which the program is whole, and has no path of the machine that it was built on.
func ProgramFlags(goflags string) string {
	words := strings.Fields(withTag(goflags, dlopen, "program"))
	return strings.Join(append(words, "-trimpath", "-buildvcs=false"), " ")
}

// Stamp is the linker's flag that tells Versions the commit of the sources; empty if git does not know it.
func Stamp(workspace string) string {
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", workspace}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	head, err := git("rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := git("status", "--porcelain", "--untracked-files=no"); err != nil || changed != "" {
		head += "+"
	}
	return fmt.Sprintf("-X coreos-libvirt/internal/launch.commit=%s", head)
}
