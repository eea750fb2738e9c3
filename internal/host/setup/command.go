package setup

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"coreos-libvirt/internal/hint"
)

// run runs a command that asks nothing; its error has the end of what it wrote.
func run(ctx context.Context, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	const most = 8 // lines
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return hint.Errorf("run it by hand to see more", "%s: %w\n%s", strings.Join(argv, " "), err, strings.Join(lines[max(0, len(lines)-most):], "\n"))
}

// succeeds tells whether a command does, for questions that a program answers by its status.
func succeeds(ctx context.Context, argv ...string) bool {
	return exec.CommandContext(ctx, argv[0], argv[1:]...).Run() == nil
}

// heredoc is the command that writes a file.
func heredoc(path, text string) string {
	return fmt.Sprintf("cat > /%s <<'END'\n%sEND", path, text)
}
