package grammar

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

var shebang = regexp.MustCompile(`^#! *(?:/usr/bin/env +)?(?:\S*/)?(sh|bash|dash)\b`)

// isShell reports whether a shell reads the file.
func isShell(f document.File) bool { return shebang.Match(f.Data) }

// isTheirShell reports whether it is a script that the user wrote: this project's own need no advice.
func isTheirShell(f document.File) bool {
	return isShell(f) && !strings.HasPrefix(f.Path, "/etc/coreos-libvirt/")
}

// shellCommand lets bash, which is sh on the images, read the script and run nothing of it.
func shellCommand(f document.File, at string) string {
	if m := shebang.FindSubmatch(f.Data); m != nil && string(m[1]) == "bash" {
		return "bash -n " + at
	}
	return "bash --posix -n " + at
}

var shellLine = regexp.MustCompile(`: line (\d+): (.*)$`)

// shellSaid is the first thing that bash says: the others follow from it.
func shellSaid(file document.File, said string) []document.Fault {
	for _, line := range strings.Split(said, "\n") {
		m := shellLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[2], "warning:") || strings.HasPrefix(m[2], "`") {
			continue
		}
		f := document.Fault{Error: true, Path: file.Path, Line: number(m[1]), Text: path.Base(file.Path) + ": " + m[2]}
		if near := nearToken.FindStringSubmatch(m[2]); near != nil {
			f.Needle = near[1]
		}
		return []document.Fault{f}
	}
	return nil
}

var nearToken = regexp.MustCompile("unexpected token `(.+)'$")

var gcc = regexp.MustCompile(`:(\d+):\d+: (?:warning|error): (.*)$`)

// shellcheckSaid is worth a word, and no error: bash -n knows what is one.
func shellcheckSaid(file document.File, said string) (faults []document.Fault) {
	for _, line := range strings.Split(said, "\n") {
		if m := gcc.FindStringSubmatch(line); m != nil && !strings.Contains(m[2], "[SC1") { // those of the parser
			faults = append(faults, document.Fault{Path: file.Path, Line: number(m[1]), Text: path.Base(file.Path) + ": " + m[2]})
		}
	}
	return faults
}

// carriageReturn is a script whose first line ends as on Windows: the kernel looks for an interpreter of that name.
func carriageReturn(f document.File) []document.Fault {
	first, _, _ := bytes.Cut(f.Data, []byte("\n"))
	if !bytes.HasPrefix(first, []byte("#!")) || !bytes.HasSuffix(first, []byte("\r")) {
		return nil
	}
	return []document.Fault{{
		Error: true, Path: f.Path, Line: 1, Text: path.Base(f.Path) + ": the line of the interpreter ends with a carriage return: it cannot be started",
		Hint: "save the file with the line ends of Unix (dos2unix)",
	}}
}
