package completion

import (
	"fmt"
	"strings"

	"github.com/carapace-sh/carapace"
	"github.com/carapace-sh/carapace/pkg/uid"
)

// Program is the name of what `mage build` makes.
const Program = "coreos-libvirt"

// names are the programs whose lines are completed. `go` is only if what it runs is magefile.go.
var names = []string{"mage", Program, "go"}

// goVariable is set where a line of `go` is completed.
const goVariable = "COREOS_COMPLETES_GO"

// Shells are those that there are scripts for.
var Shells = []string{"bash", "zsh", "fish"}

// mark is a line of every script: a file without it is somebody else's.
const mark = "# completion of coreos-libvirt, written by `mage completion`"

// What the shells run to get an answer, by sh, without ' in it, with the shell's words behind it. A plain `mage` would have to
// look first whether it has to compile: the program that is kept of the targets answers, in a clone of this project, or the one
// that `mage build` makes.
const (
	askKept = `grep -qsx "module coreos-libvirt" go.mod || exit 0; ` +
		`p=$(ls -t "${MAGEFILE_CACHE:-$HOME/.magefile}"/libvirt_dlopen/targets-???????????????????????? 2>/dev/null | head -n 1); ` +
		`test -x "$p" || p=$(command -v coreos-libvirt) || exit 0; exec "$p" "$@"`
	askGo      = `test "$4 $5" = "run magefile.go" || exit 0; export ` + goVariable + `=1; ` + askKept
	askProgram = `p=$3; case $p in "~/"*) p=$HOME/${p#??};; esac; exec "$p" "$@"`
)

// asks is what answers a line of the program.
func asks(name string) string {
	switch name {
	case Program:
		return askProgram
	case "go":
		return askGo
	}
	return askKept
}

// script is what the shell reads to complete lines of the program.
func script(shell, name string) (string, error) {
	text, err := carapace.Gen(command(name)).Snippet(shell)
	if err != nil {
		return "", err
	}
	itself := fmt.Sprintf("xargs %s _carapace", uid.Executable())
	if strings.Count(text, itself) != 3 {
		return "", fmt.Errorf("the script for %s is not as it was expected", shell)
	}
	text = strings.ReplaceAll(text, itself, fmt.Sprintf("xargs sh -c '%s' sh _carapace", asks(name)))
	if shell == "zsh" { // the file is of several programs: zshFirst says which one is asked for
		text = strings.ReplaceAll(text, fmt.Sprintf("compquote '' 2>/dev/null && _%s_completion\n", name), "")
	}
	if name == "go" {
		text = besideOthers(shell, text)
	}
	return strings.TrimPrefix(text, "#!/bin/bash\n"), nil
}

// besideOthers is a script for `go` that leaves to what completed it before whatever is no `go run magefile.go`.
func besideOthers(shell, text string) string {
	switch shell {
	case "bash":
		text = strings.ReplaceAll(text, "complete -o noquote -F _go_completion go\n", bashBeside)
	case "zsh":
		text = strings.ReplaceAll(text, "compdef _go_completion go\n", zshBeside)
	case "fish":
		text = strings.ReplaceAll(text, "complete -e 'go'\ncomplete -c 'go' -f -a '(_go_completion)' -r\n", fishBeside)
	}
	return strings.ReplaceAll(text, "_go_completion", "_coreos_libvirt_go")
}

const (
	bashBeside = `[ -r /usr/share/bash-completion/completions/go ] && . /usr/share/bash-completion/completions/go
_coreos_libvirt_go_before=$(complete -p go 2>/dev/null | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
_coreos_libvirt_go_or_before() {
  if [ "${COMP_WORDS[1]} ${COMP_WORDS[2]}" = "run magefile.go" ] && [ "$COMP_CWORD" -gt 2 ]; then
    _go_completion "$@"
  elif [ -n "$_coreos_libvirt_go_before" ] && [ "$_coreos_libvirt_go_before" != _coreos_libvirt_go_or_before ]; then
    "$_coreos_libvirt_go_before" "$@"
  fi
}
complete -o noquote -o bashdefault -o default -F _coreos_libvirt_go_or_before go
`
	zshBeside = `function _coreos_libvirt_go_or_before {
  if [[ $CURRENT -gt 3 && "${words[2]} ${words[3]}" = "run magefile.go" ]]; then
    _go_completion
  elif (( $+functions[_golang] )); then
    _golang "$@"
  elif (( $+functions[_go] )); then
    _go "$@"
  else
    _files
  fi
}
compdef _coreos_libvirt_go_or_before go
`
	fishBeside = `test -r $__fish_data_dir/completions/go.fish; and source $__fish_data_dir/completions/go.fish
complete -c go -n 'string match -q "go run magefile.go *" -- (commandline -pc)' -f -a '(_go_completion)'
`
)

// Script is what the shell reads to complete lines of all the programs: source <(mage completion shell=bash).
func Script(shell string) (string, error) {
	text := mark + "\n"
	for _, name := range names {
		one, err := script(shell, name)
		if err != nil {
			return "", err
		}
		text += one
	}
	return text, nil
}
