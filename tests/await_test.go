package tests

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"coreos-libvirt/internal/testkit/pace"
)

// await waits until a program that runs beside the script has written what matches to the file said, behind what was awaited before.
// The file awaited then has what there is from there to the end of the match: await 'core01: booting'.
func await(ts *testscript.TestScript, _ bool, args []string) {
	match, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	said, place := ts.MkAbs("said"), ts.MkAbs("awaited.place")
	text, _ := os.ReadFile(place) // at the beginning there is none
	from, _ := strconv.Atoi(string(text))
	for deadline := time.Now().Add(pace.Hang); ; time.Sleep(20 * time.Millisecond) {
		all, _ := os.ReadFile(said) // the program may still be on its way
		if at := match.FindIndex(all[min(from, len(all)):]); at != nil {
			ts.Check(os.WriteFile(ts.MkAbs("awaited"), all[from:from+at[1]], 0o600))
			ts.Check(os.WriteFile(place, []byte(strconv.Itoa(from+at[1])), 0o600))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it never said %q; it said\n%s", args[0], strings.TrimSpace(string(all)))
		}
	}
}
