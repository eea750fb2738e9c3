// Package grammar judges files by who reads them on the node: shells, sshd, sudo, systemd's other programs, and parsers of what
// their names end with.
package grammar

import (
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/shellword"
)

// Program is one that judges files, on this host.
type Program struct {
	Name, Package string                                              // of both; the package is Debian's
	takes         func(document.File) bool                            // whether it judges the file
	command       func(f document.File, at string) string             // for sh; at is a word of it
	said          func(f document.File, said string) []document.Fault // what it said of the file
}

// Programs are those that judge files.
var Programs = []Program{
	{"bash", "bash", isShell, shellCommand, shellSaid},
	{"shellcheck", "shellcheck", isTheirShell, func(_ document.File, at string) string {
		return "shellcheck --format=gcc --severity=warning --shell=bash " + at
	}, shellcheckSaid},
	{"visudo", "sudo", below("/etc/sudoers.d/", "/etc/sudoers"), func(_ document.File, at string) string { return "visudo -c -f " + at }, visudoSaid},
	{"sshd", "openssh-server", below("/etc/ssh/sshd_config.d/", "/etc/ssh/sshd_config"), func(_ document.File, at string) string {
		return "$(command -v sshd) -t -f " + at
	}, sshdSaid},
	{"nft", "nftables", func(f document.File) bool {
		return path.Ext(f.Path) == ".nft" || path.Base(f.Path) == "nftables.conf"
	}, func(_ document.File, at string) string { return "nft -c -f " + at }, lines(`:(\d+):\d+-\d+: Error: (syntax error.*)`)},
	{"systemd-tmpfiles", "systemd", below("/etc/tmpfiles.d/", ""), func(_ document.File, at string) string {
		return "systemd-tmpfiles --root=" + sandbox.Node + " --clean --prefix=/nonexistent " + at
	}, tmpfilesSaid},
}

// Checks are what runs for the document, and the programs that are missing here for it.
func Checks(d document.Document) (checks []sandbox.Check, missing []Program) {
	for _, p := range Programs {
		for _, f := range d.Files {
			if !f.Known || !p.takes(f) {
				continue
			}
			if _, err := exec.LookPath(p.Name); err != nil {
				if p.Name != "shellcheck" { // it only gives advice
					missing = append(missing, p)
				}
				break
			}
			checks = append(checks, sandbox.Check{Name: p.Name + " " + f.Path, Command: p.command(f, shellword.Of(sandbox.Node+f.Path)), Beside: true})
		}
	}
	return checks, missing
}

// Said are the faults that the programs reported.
func Said(d document.Document, results map[string]sandbox.Result) (faults []document.Fault) {
	for _, p := range Programs {
		for _, f := range d.Files {
			if r, ran := results[p.Name+" "+f.Path]; ran && f.Known && r.Said != "" {
				faults = append(faults, p.said(f, r.Said)...)
			}
		}
	}
	return faults
}

// below takes the files below a folder, and one of its own.
func below(folder, file string) func(document.File) bool {
	return func(f document.File) bool {
		name, is := strings.CutPrefix(f.Path, folder)
		return f.Path == file || is && !strings.ContainsAny(name, "/~") && !strings.HasPrefix(name, ".") &&
			(folder == "/etc/sudoers.d/" && !strings.Contains(name, ".") || path.Ext(name) == ".conf")
	}
}

// lines finds faults by a pattern whose groups are the line and what is wrong there.
func lines(pattern string) func(f document.File, said string) []document.Fault {
	re := regexp.MustCompile(pattern)
	return func(file document.File, said string) (faults []document.Fault) {
		for _, line := range strings.Split(said, "\n") {
			m := re.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			f := document.Fault{Error: true, Path: file.Path, Line: number(m[1]), Text: path.Base(file.Path) + ": " + strings.TrimSuffix(m[2], ".")}
			if !slices.Contains(faults, f) {
				faults = append(faults, f)
			}
		}
		return faults
	}
}

var users = regexp.MustCompile(`Failed to resolve|Unknown (user|group)`)

// tmpfilesSaid leaves out users that only the image has.
func tmpfilesSaid(file document.File, said string) (faults []document.Fault) {
	for _, f := range lines(regexp.QuoteMeta(sandbox.Node+file.Path)+`:(\d+): (.*)`)(file, said) {
		if !users.MatchString(f.Text) {
			faults = append(faults, f)
		}
	}
	return faults
}

func number(digits string) (n int) {
	for _, d := range digits {
		n = min(10*n+int(d-'0'), 1<<30)
	}
	return n
}
