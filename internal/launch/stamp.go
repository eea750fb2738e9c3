package launch

import (
	"os/exec"
	"strings"
)

// ProgramFlags are GOFLAGS by which the program is whole, and has no path of the machine that it was built on.
func ProgramFlags(goflags string) string {
	words := strings.Fields(withTag(goflags, dlopen, "program"))
	return strings.Join(append(words, "-trimpath", "-buildvcs=false"), " ")
}

// Stamp are the linker's flags by which Versions knows what the program is made of: a version, and the commit if git knows it.
func Stamp(workspace, version string) string {
	const flag = " -X coreos-libvirt/internal/launch."
	return strings.TrimSpace(flag + "release=" + version + flag + "commit=" + commitOf(workspace))
}

// commitOf is the commit of the sources, with + if they were changed since; empty if git does not know it.
func commitOf(workspace string) string {
	head, err := git(workspace, "rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := git(workspace, "status", "--porcelain", "--untracked-files=no"); err != nil || changed != "" {
		head += "+"
	}
	return head
}

// describe is the last release before the sources and how many commits they are after it (git-describe(1)), with + if they were
// changed since. Before the first release it is the short name of the commit; empty if git does not know it.
func describe(workspace string) string {
	said, _ := git(workspace, "describe", "--tags", "--match", "v[0-9]*", "--always", "--dirty=+")
	return said
}

func git(workspace string, args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"-C", workspace}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}
