package command

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
)

// TestCommandsAreAsTheRunWasCalled: those that rooms below know only as `mage`, too.
func TestCommandsAreAsTheRunWasCalled(t *testing.T) {
	const text = "`mage up recreate=core01` recreates it; `mage labdown`, mage -v <target>, `make it`"
	for _, c := range []struct {
		called, lab string
		words       []string
		want        string
	}{
		{"mage", "", nil, text},
		{"mage", "", []string{"prefix=x", "yes=true", "recreate=x02", "config=a b.yml"}, "`mage up prefix=x 'config=a b.yml' recreate=core01` recreates it; `mage labdown`, mage -v <target>, `make it`"},
		{"go run magefile.go", "", nil, "`go run magefile.go up recreate=core01` recreates it; `go run magefile.go labdown`, mage -v <target>, `make it`"},
		{"./coreos-libvirt", "1", nil, "`./coreos-libvirt lab up recreate=core01` recreates it; `./coreos-libvirt labdown`, mage -v <target>, `make it`"},
	} {
		t.Run(c.called, func(t *testing.T) {
			name, value, _ := strings.Cut(launch.CalledAs(c.called), "=")
			t.Setenv(name, value)
			if c.lab != "" {
				t.Setenv(settings.LabVariable, c.lab)
			}
			cause := errors.New("x")
			err := Shown(hint.Errorf(text, "it failed: %w", cause), c.words)
			if want := "it failed: x\nhint: " + c.want; err.Error() != want || !errors.Is(err, cause) {
				t.Errorf("want %s, got %v", want, err)
			}
			out := &bytes.Buffer{}
			progress.New(out).Typed(Typed(c.words)).Say(text+" %s", "`mage up` a guest says")
			if want := c.want + " `mage up` a guest says\n"; out.String() != want {
				t.Errorf("want %s, got %s", want, out)
			}
		})
	}
}
