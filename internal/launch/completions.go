package launch

import (
	"os"
	"path/filepath"
)

// Completions is the folder in which the user's shell looks for completions of a program's lines when it meets the program.
// zsh has none of a user's by itself: it looks where $fpath says.
//
// Sources: README of bash-completion (BASH_COMPLETION_USER_DIR); fish's manual, "Where to put completions"; XDG Base Directory
// Specification.
func Completions(shell string) (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	data, config := variableOr("XDG_DATA_HOME", filepath.Join(home, ".local", "share")), variableOr("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	return map[string]string{
		"bash": filepath.Join(variableOr("BASH_COMPLETION_USER_DIR", filepath.Join(data, "bash-completion")), "completions"),
		"zsh":  filepath.Join(data, "zsh", "site-functions"),
		"fish": filepath.Join(config, "fish", "completions"),
	}[shell], nil
}

// variableOr is the path in the variable, or if it is not an absolute one the other.
func variableOr(name, other string) string {
	if path := os.Getenv(name); filepath.IsAbs(path) {
		return path
	}
	return other
}
