package step

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/shellword"
)

// Run runs a command that asks nothing; its error has the end of what it wrote.
func Run(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return Ended(strings.Join(argv, " "), out, err)
}

// Ended is the error of a command, with the end of what it wrote.
func Ended(what string, out []byte, err error) error {
	if err == nil {
		return nil
	}
	const most = 8 // lines
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return hint.Errorf("run it by hand to see more", "%s: %w\n%s", what, err, strings.Join(lines[max(0, len(lines)-most):], "\n"))
}

// Succeeds reports whether a command does, for questions that a program answers by its status.
func Succeeds(ctx context.Context, argv ...string) bool {
	return exec.CommandContext(ctx, argv[0], argv[1:]...).Run() == nil
}

// Line is a command as a shell takes it.
func Line(argv ...string) string {
	words := []string{}
	for _, word := range argv {
		words = append(words, Quoted(word))
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// Quoted is a word as a shell takes it.
func Quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return shellword.Of(word)
}

// heredoc is the command that writes a file, for people.
func heredoc(path, text string) string {
	return fmt.Sprintf("cat > /%s <<'END'\n%s\nEND", path, strings.TrimSuffix(text, "\n"))
}
