package targets

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/row"
)

// roff is a text as mdoc(7) takes it: no control line, no escape.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "`", `\(ga`, "'", `\(aq`, "\n", " ").Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// sentences writes each sentence on a line of its own, as mdoc(7) wants it.
func sentences(w io.Writer, text string) {
	fmt.Fprintln(w, strings.ReplaceAll(roff(text), ". ", ".\n"))
}

// manual is docs/coreos-libvirt.1.
func manual() []byte {
	out := &bytes.Buffer{}
	fmt.Fprint(out, `.\" Made of the program's tables by go test ./internal/settings/targets -update.
.Dd November 27, 2026
.Dt COREOS-LIBVIRT 1
.Os
.Sh NAME
.Nm coreos-libvirt
.Nd clusters of CoreOS virtual machines on libvirt, from one Ignition config
.Sh SYNOPSIS
.Nm mage
.Op Ar target ...
.Op Ar setting Ns = Ns Ar value ...
.Nm coreos-libvirt
.Op Ar target ...
.Op Ar setting Ns = Ns Ar value ...
.Sh DESCRIPTION
.Nm mage
in a clone of the project, or the program
.Nm coreos-libvirt ,
transpiles a Butane config, renders it for each node, and boots the nodes on libvirt.
Without a target it is
.Cm up .
.Cm help
and a target's name print what that target takes.
The targets are:
.Bl -tag -width Ds
`)
	for _, t := range All {
		fmt.Fprintf(out, ".It Cm %s\n", t.Name)
		sentences(out, strings.TrimSpace(t.Does+" "+t.More))
	}
	fmt.Fprint(out, ".El\n.Pp\nThe settings are:\n.Bl -tag -width Ds\n")
	keys := settings.Keys(settings.Environment{})
	slices.SortStableFunc(keys, func(a, b settings.Key) int { return row.Place(a.Name) - row.Place(b.Name) })
	for _, key := range keys {
		manualKey(out, key)
	}
	fmt.Fprint(out, manualEnd)
	return out.Bytes()
}

func manualKey(w io.Writer, key settings.Key) {
	value := key.Default
	if here, is := hereOnly[key.Name]; is {
		value = here
	}
	fmt.Fprintf(w, ".It Cm %s Ns = Ns Ar value\n", key.Name)
	sentences(w, key.Meaning+".")
	if value != "" {
		fmt.Fprintf(w, "The default is %s.\n", roff(value))
	}
}

// regexpBackspace is how a terminal without colours is shown bold letters.
var regexpBackspace = regexp.MustCompile(".\x08")

const manualEnd = `.It Cm var. Ns Ar word Ns = Ns Ar value
A word of your own in the config, and its value.
.El
.Sh ENVIRONMENT
Each setting is a variable, too, in capital letters with
.Ev COREOS_
before it:
.Ev COREOS_NODES
is
.Cm nodes .
.Sh FILES
.Bl -tag -width Ds
.It Pa ignition/ignition.yml
The config.
.It Pa clusters/ Ns Ar prefix Ns Pa .yml
What a cluster is made with, if somebody declares it.
.It Pa vm/
What was generated: a folder for each node.
.El
.Sh EXIT STATUS
0 if all is done, 1 if something failed, 2 if
.Cm plan
has something to do, 3 to 6 the part of
.Cm ci
that failed, 130 after an interruption.
.Sh SEE ALSO
.Xr virsh 1
.Pp
.Lk https://coreos.github.io/butane/ "Butane"
`

// TestTheManualIsInStep: docs/coreos-libvirt.1 is what the tables say.
func TestTheManualIsInStep(t *testing.T) {
	path := filepath.Join(root, "docs", "coreos-libvirt.1")
	if *update {
		if err := os.WriteFile(path, manual(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, manual()) {
		t.Errorf("%s is not what the tables say: go test ./internal/settings/targets -update writes it (%v)", path, err)
	}
}

// TestTheManualIsWell: mandoc finds nothing to warn of, and shows what is in the tables.
func TestTheManualIsWell(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is missing")
	}
	path := filepath.Join(root, "docs", "coreos-libvirt.1")
	if out, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	shown, err := exec.Command(mandoc, "-T", "ascii", "-O", "width=200", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := regexpBackspace.ReplaceAllString(string(shown), "")
	for _, want := range []string{"`mage labdown` takes it apart", `"$(mage env node=core01)".`, "host:check", "COREOS_NODES", "The default is qemu:///system."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
