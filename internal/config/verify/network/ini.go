package network

import (
	"path"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

// entry is a line of a file in sections: of the section itself, where key is empty, or of a key in it.
type entry struct {
	line                int // from 1
	section, key, value string
}

// entries are the sections and keys of the file. What is neither is no entry.
func entries(f document.File) (all []entry) {
	section := ""
	for i, text := range lines(f) {
		if name, is := strings.CutPrefix(text, "["); is {
			section = strings.TrimSuffix(name, "]")
			all = append(all, entry{line: i + 1, section: section})
		} else if key, value, is := strings.Cut(text, "="); is {
			all = append(all, entry{i + 1, section, strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return all
}

// lines are those of the file, without space around them. Comments and what continues another line are empty.
func lines(f document.File) []string {
	all, continued := strings.Split(string(f.Data), "\n"), false
	for i, line := range all {
		text, was := strings.TrimSpace(line), continued
		continued = strings.HasSuffix(text, `\`)
		if was || text != "" && strings.ContainsAny(text[:1], "#;") {
			text = ""
		}
		all[i] = text
	}
	return all
}

// one is an error in the line of the file.
func one(f document.File, line int, text string) document.Fault {
	return document.Fault{Error: true, Path: f.Path, Line: line, Text: path.Base(f.Path) + ": " + text}
}

// malformed are the faults of lines that are neither a section nor a "key=value" in one.
func malformed(f document.File) (faults []document.Fault) {
	section := false
	for i, text := range lines(f) {
		switch {
		case text == "":
		case strings.HasPrefix(text, "["):
			if section = true; !strings.HasSuffix(text, "]") {
				faults = append(faults, one(f, i+1, "the section's name has no ]"))
			}
		case !strings.Contains(text, "="):
			faults = append(faults, one(f, i+1, "the line is neither a [section] nor a `key=value`"))
		case !section:
			faults = append(faults, one(f, i+1, "the line is in no section"))
		}
	}
	return faults
}
