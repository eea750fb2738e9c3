package completion

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// file is one that a shell reads when it meets a program.
type file struct{ name, text string }

// filesOf are those of the shell: a file a program, as it finds them by the program's name; zsh finds them by their first line.
func filesOf(shell string) (all []file, err error) {
	if shell == "zsh" {
		text, err := Script(shell)
		return []file{{"_" + Program, "#compdef " + strings.Join(names, " ") + "\n" + text + zshFirst}}, err
	}
	for _, name := range names {
		text, err := script(shell, name)
		if err != nil {
			return nil, err
		}
		if shell == "fish" {
			name += ".fish"
		}
		all = append(all, file{name, mark + "\n" + text})
	}
	return all, nil
}

// zshFirst completes the line for which zsh loaded the file as a function: all that is above has only defined the functions for
// the lines to come.
const zshFirst = `case $service in
  go) _coreos_libvirt_go_or_before "$@" ;;
  *) "_${service}_completion" ;;
esac
`

// Install writes the shell's files into the folder, and gives their paths. Files that are not this project's stay as they are,
// and are an error.
func Install(shell, folder string) (written []string, err error) {
	all, err := filesOf(shell)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	others := []string{}
	for _, f := range all {
		path := filepath.Join(folder, f.name)
		if there, err := os.ReadFile(path); err == nil && !strings.Contains(string(there), mark) {
			others = append(others, path)
			continue
		}
		if err := artifact.Write(path, []byte(f.text), 0o644); err != nil {
			return written, err
		}
		written = append(written, path)
	}
	if len(others) > 0 {
		return written, hint.Errorf("move them away, or have your shell read what `mage completion shell="+shell+"` prints", "%s: these are somebody else's and stay as they are", strings.Join(others, ", "))
	}
	return written, nil
}

// Needs is what the shell's own files have to say so that it looks into the folder, or empty.
func Needs(shell, folder string) string {
	switch shell {
	case "bash":
		return "bash reads them by the package bash-completion"
	case "zsh":
		return fmt.Sprintf("zsh reads it if ~/.zshrc has: fpath=(%s $fpath); autoload -Uz compinit; compinit", folder)
	}
	return ""
}
