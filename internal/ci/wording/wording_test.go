package wording

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/messages.txt")

const root = "../../.."

// TestMessagesAreInPlainEnglish, and a reviewer sees them together.
func TestMessagesAreInPlainEnglish(t *testing.T) {
	messages, err := Read(root)
	if err != nil || len(messages) < 500 {
		t.Fatalf("%d messages: %v", len(messages), err)
	}
	all := strings.Builder{}
	for _, m := range messages {
		all.WriteString(m.String() + "\n")
		if hard := Hard(m.Text); hard != "" {
			t.Errorf("%s:%d: %q\n\t%s (CONTRIBUTING.md)", m.At.Filename, m.At.Line, m.Text, hard)
		}
	}
	golden := filepath.Join("testdata", "messages.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(golden); err != nil || string(kept) != all.String() {
		t.Errorf("%s has other messages than the sources: go test ./internal/ci/wording -update writes it. Read what changed (%v)", golden, err)
	}
}

// TestPagesAreInPlainEnglish, but for their code.
func TestPagesAreInPlainEnglish(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "SECURITY.md"), filepath.Join(root, "CHANGELOG.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(prose(string(text)), "\n") {
			if hard := Hard(line); hard != "" {
				t.Errorf("%s:%d: %s\n\t%s (CONTRIBUTING.md)", page, i+1, line, hard)
			}
		}
	}
}

// prose is a page without its code, line by line.
func prose(page string) string {
	lines, code := strings.Split(page, "\n"), false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if code = code != fence; code || fence {
			lines[i] = ""
		}
		lines[i] = spans.ReplaceAllString(lines[i], "`…`")
	}
	return strings.Join(lines, "\n")
}

// spans are code within a line.
var spans = regexp.MustCompile("`[^`]*`")

// TestHard: what is refused, and what only looks like it.
func TestHard(t *testing.T) {
	for _, text := range []string{"the node is made anew", "the file lacks a line", "it tells where it is", "This is no list", "in its own words", "where there is none"} {
		if Hard(text) == "" {
			t.Errorf("%q is hard", text)
		}
	}
	for _, text := range []string{"there is no file", "it is no longer there", "the renewal", "where etcd keeps its data", "a black box"} {
		if hard := Hard(text); hard != "" {
			t.Errorf("%q is not hard: %s", text, hard)
		}
	}
}

// TestTheListIsTheOneOfContributing: each hard word is in the page that people are sent to.
func TestTheListIsTheOneOfContributing(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hard {
		if line := "| " + h.use + " | " + h.not + " |\n"; !strings.Contains(string(page), line) {
			t.Errorf("CONTRIBUTING.md has no line %q", line)
		}
	}
}

// TestCommentsOfExportedNamesAreInPlainEnglish, and those of packages.
func TestCommentsOfExportedNamesAreInPlainEnglish(t *testing.T) {
	comments, err := Comments(root)
	if err != nil || len(comments) < 500 {
		t.Fatalf("%d comments: %v", len(comments), err)
	}
	for _, c := range comments {
		if hard := Hard(c.Text); hard != "" {
			t.Errorf("%s:%d: %s: %s\n\t%s (CONTRIBUTING.md)", c.At.Filename, c.At.Line, c.Name, c.Text, hard)
		}
	}
}
