package release

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-semver/semver"

	"coreos-libvirt/internal/terminal/hint"
)

// ready is an error if no release of that version can be made of what is in the clone.
func (r Release) ready() error {
	if err := CheckVersion(r.Version); err != nil {
		return err
	}
	if err := r.clean(); err != nil {
		return err
	}
	if err := r.untagged(); err != nil {
		return err
	}
	return r.described()
}

// CheckVersion is an error if the text is not a version as Go's modules have them: v, and a semantic version (semver.org) without build
// metadata.
func CheckVersion(text string) error {
	number, hasV := strings.CutPrefix(text, "v")
	version, err := semver.NewVersion(number)
	if !hasV || err != nil || version.String() != number || version.Metadata != "" {
		return hint.Errorf("version=v0.1.0, or version=v0.2.0-rc.1", "version=%s is not a semantic version (semver.org) with a v before it", text)
	}
	return nil
}

// clean is an error if a file of the clone is not as the commit has it, or not in it.
func (r Release) clean() error {
	changed, err := git(r.Root, "status", "--porcelain")
	if err == nil && changed != "" {
		err = hint.Errorf("git stash --include-untracked   # or commit them", "a release is made of a commit, and these files differ from it:\n%s", changed)
	}
	return err
}

// untagged is an error if the version is the tag of another commit.
func (r Release) untagged() error {
	head, err := git(r.Root, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	tagged, err := git(r.Root, "for-each-ref", "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)", "refs/tags/"+r.Version)
	if err == nil && tagged != "" && tagged != head {
		err = hint.Errorf("git checkout "+r.Version+"   # to make that one again; a new one needs a new version",
			"the tag %s is commit %.12s, and this is %.12s", r.Version, tagged, head)
	}
	return err
}

// described is an error if the change log has nothing on the version, as keepachangelog.com 1.1.0 has it.
func (r Release) described() error {
	text, err := os.ReadFile(filepath.Join(r.Root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	head := regexp.MustCompile(`(?m)^## \[` + regexp.QuoteMeta(strings.TrimPrefix(r.Version, "v")) + `\] - \d{4}-\d\d-\d\d$`)
	if !head.Match(text) {
		return hint.Errorf(fmt.Sprintf("in CHANGELOG.md: ## [%s] - %s", strings.TrimPrefix(r.Version, "v"), time.Now().Format(time.DateOnly)),
			"CHANGELOG.md has no section on %s", r.Version)
	}
	return nil
}

// commitTime is when the commit was made: the time of all that a release has.
func (r Release) commitTime() (time.Time, error) {
	text, err := git(r.Root, "log", "-1", "--format=%ct")
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}
