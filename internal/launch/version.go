package launch

import (
	"runtime"
	"runtime/debug"
)

// commit is set by Build: Go itself notes it only in programs of packages, and Mage builds files.
var commit string

// Version is what this program was made of.
type Version struct {
	Commit  string `json:"commit"` // of the sources, with + if they were changed since; empty if that is not known
	Go      string `json:"go"`
	Binding string `json:"binding"` // the version of libvirt's binding, which is that of the API it knows
	System  string `json:"system"`  // linux/amd64
	Whole   bool   `json:"whole"`   // whether it needs no Go
}

// Versions are those of this program (go doc debug.BuildInfo).
func Versions() Version {
	v := Version{Commit: commit, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Whole: Whole}
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
