package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/distributor"
)

// pages are README and all other pages of the project.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../vm/*.md"} {
		some, err := filepath.Glob(pattern)
		distributor.Must(t, err)
		found = append(found, some...)
	}
	if len(found) < 20 {
		t.Fatalf("there are only %q", found)
	}
	return found
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	distributor.Must(t, err)
	return string(text)
}

// commands are the blocks of commands in a page, with the marker before each, if it has one.
var commands = regexp.MustCompile("(?m)(?:^ *<!-- (.*?) -->\n)?^( *)```sh\n((?s:.*?))^ *```$")

// TestEveryBlockOfCommands says by a marker in the line before it whether this test runs it, which test of real guests runs its
// commands, or why none does.
func TestEveryBlockOfCommands(t *testing.T) {
	stories := storiesOf(t)
	run := 0
	for _, page := range pages(t) {
		for _, block := range commands.FindAllStringSubmatch(readPage(t, page), -1) {
			marker, script := block[1], block[3]
			why, not := strings.CutPrefix(marker, "not run: ")
			by, elsewhere := strings.CutPrefix(marker, "run by: ")
			switch {
			case marker == "run":
				run++
				runBlock(t, page, script)
			case elsewhere && !slices.ContainsFunc(strings.Split(by, ", "), func(name string) bool { return !slices.Contains(stories, name) }):
			case not && len(why) > 10:
			default:
				t.Errorf("%s: before this block stands %q, not <!-- run -->, <!-- run by: Test… --> or <!-- not run: why -->:\n%s", page, marker, script)
			}
		}
	}
	if run < 2 {
		t.Errorf("only %d blocks are run", run)
	}
}

// storiesOf are the tests of this folder, by name.
func storiesOf(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	distributor.Must(t, err)
	for _, file := range files {
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(readPage(t, file), -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// runBlock runs the commands of a block in a clone, each of which must succeed.
func runBlock(t *testing.T, page, script string) {
	t.Helper()
	c := newClone(t)
	cmd := exec.Command("sh", "-euxc", script)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PATH="+built+":"+os.Getenv("PATH"), "COREOS_URI=test:///default", "COREOS_STORE="+filepath.Join(t.TempDir(), "store")) //nolint:forbidigo // the test's own
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", page, err, out)
	}
}

// link is a link of Markdown, or of the HTML in it, without its title.
var link = regexp.MustCompile(`\]\(([^)\s]+)(?: "[^"]*")?\)|(?:href|src|srcset)="([^"\s]+)`)

// TestLinks: each link to a file of the project leads to one, and each anchor to a headline.
func TestLinks(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(withoutCode(readPage(t, page)), -1) {
			to := found[1] + found[2]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(to, "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, to)
			} else if anchor != "" && !slices.Contains(anchors(readPage(t, target)), anchor) {
				t.Errorf("%s: %s has no headline for #%s", page, target, anchor)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links were found", checked)
	}
}

// withoutCode is a page without its blocks and spans of code.
func withoutCode(text string) string {
	return regexp.MustCompile("(?s)```.*?```|`[^`\n]*`").ReplaceAllString(text, "")
}

// anchors are what GitHub makes of a page's headlines: small letters, digits, - and _, blanks are -.
func anchors(text string) (all []string) {
	for _, head := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, ""), -1) {
		plain := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(head[1], "$1")
		name := strings.ReplaceAll(strings.ToLower(plain), " ", "-")
		all = append(all, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, ""))
	}
	for _, id := range regexp.MustCompile(`id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		all = append(all, id[1])
	}
	return all
}

// TestEachPageIsLinked from README: a page that nobody finds is read by nobody.
func TestEachPageIsLinked(t *testing.T) {
	readme := readPage(t, "../README.md")
	for _, page := range pages(t) {
		if name := filepath.Base(page); filepath.Base(filepath.Dir(page)) == "docs" && !strings.Contains(readme, "(docs/"+name+")") && name != "flatcar-console.md" {
			t.Errorf("README does not link docs/%s", name)
		}
	}
}
