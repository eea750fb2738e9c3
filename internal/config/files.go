package config

import (
	"os"
	"path/filepath"
)

// Path is config= as the user would write it from the workspace.
func Path(workspace, config string) string {
	if filepath.IsAbs(config) {
		return config
	}
	path := filepath.Join(workspace, config)
	if short, err := filepath.Rel(workspace, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}

// Beside is the path of a file that goes with the config at path: beside the config if it is there, else in ignition/.
func Beside(path, name string) string {
	own := filepath.Join(filepath.Dir(path), name)
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join("ignition", name)
}

// overlayName is the config of one node, which is merged over the common one.
func overlayName(node string) string { return filepath.Join("nodes", node+".yml") }
