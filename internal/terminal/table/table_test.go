package table

import (
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	rows := New("NODE", "STATE", "WHY")
	rows.Row("core01", "running", Dash(""))
	rows.Row("core02", "shut off", "said\tone\r\n\x1b[2Jtwo\n")
	rows.Row("core03", "running") // without its last cell
	var out strings.Builder
	if err := rows.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := "NODE     STATE      WHY\ncore01   running    -\ncore02   shut off   said one two\ncore03   running\n"
	if out.String() != want {
		t.Errorf("want\n%s\ngot\n%s", want, out.String())
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	if err := JSON(&out, []struct {
		Node string `json:"node"`
	}{{"a<b"}}); err != nil {
		t.Fatal(err)
	}
	if want := "[\n  {\n    \"node\": \"a<b\"\n  }\n]\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}
