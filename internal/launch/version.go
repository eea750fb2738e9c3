package launch

import (
	"runtime"
	"runtime/debug"
)

// commit and release are set by launcher.Build: Go itself notes the commit only in programs of packages, and Mage builds files.
var commit, release string

// Version is what this program was made of.
type Version struct {
	Version string `json:"version"` // of a release, v0.1.0; else what git describes, v0.1.0-3-gabcdef0; empty if that is not known
	Commit  string `json:"commit"`  // of the sources, with + if they were changed since; empty if that is not known
	Go      string `json:"go"`
	Binding string `json:"binding"` // the version of libvirt's binding, which is that of the API it knows
	System  string `json:"system"`  // linux/amd64
	Whole   bool   `json:"whole"`   // whether it needs no Go
}

// Release is the version of this program. One that is built of the workspace each time is what the workspace is now.
func Release(workspace string) string {
	if Whole {
		return release
	}
	return describe(workspace)
}

// Versions are those of this program (go doc debug.BuildInfo), which runs in the workspace.
func Versions(workspace string) Version {
	v := Version{Version: Release(workspace), Commit: commit, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Whole: Whole}
	if !Whole {
		v.Commit = commitOf(workspace)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v.Commit == "" {
			v.Commit = s.Value
		}
	}
	for _, module := range info.Deps {
		if module.Path == "libvirt.org/go/libvirt" {
			v.Binding = module.Version
		}
	}
	return v
}
