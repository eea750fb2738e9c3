package question

import (
	"strings"
	"testing"
)

func TestOnlyYesIsYes(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "yes": true, "n\n": false, "\n": false, "": false, "yep\n": false, "no\ny\n": false} {
		out := &strings.Builder{}
		if yes, err := From(strings.NewReader(answer), out)("Remove it?"); yes != want || err != nil || out.String() != "Remove it? [y/N] " {
			t.Errorf("%q: got %v %v %q", answer, yes, err, out)
		}
	}
}
