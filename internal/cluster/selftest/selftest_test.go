package selftest

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest/facts"
)

// TestAllThatIsTheHostsIsLookedAt: each fact that is checked on the host has a check there.
func TestAllThatIsTheHostsIsLookedAt(t *testing.T) {
	source := ""
	for _, name := range []string{"subject.go", "look.go", "change.go", "break.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	checks := len(slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`(s\.is\(|Results\[)"[a-z-]+"`).FindAllString(source, -1)))))
	for _, fact := range facts.Table() {
		if fact.OnHost {
			checks--
		}
		if is := strings.Contains(source, `s.is("`+fact.ID+`", `) || strings.Contains(source, `Results["`+fact.ID+`"] = `); is != fact.OnHost {
			t.Errorf("%s: checked on the host: %t, and the table says %t", fact.ID, is, fact.OnHost)
		}
	}
	if checks != 0 {
		t.Errorf("%d checks are of facts that are not in the table", checks)
	}
}

// TestWhatANodeShowsHasALimit, of bytes and of time.
func TestWhatANodeShowsHasALimit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if shown, err := shownBy(ctx, "sh", "-c", "yes & wait"); err == nil || len(shown) != mostSaid {
		t.Errorf("%d bytes, %v", len(shown), err)
	}
}

func TestInOrder(t *testing.T) {
	all := []string{"firmware", "kernel", "system", "login"}
	if !inOrder([]string{"kernel", "login"}, all) || inOrder([]string{"login", "kernel"}, all) || inOrder([]string{"Ignition"}, all) {
		t.Error("wrong")
	}
}
