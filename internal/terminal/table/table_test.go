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

// TestJSONIsPrintable: what outside texts have in them does nothing to a terminal, and nothing else of a value changes.
func TestJSONIsPrintable(t *testing.T) {
	type inner struct {
		Error string `json:"error"`
	}
	var out strings.Builder
	err := JSON(&out, struct {
		Z     string           `json:"z"`
		A     map[string]inner `json:"a"`
		Diff  string           `json:"diff"`
		Path  string           `json:"path"`
		Big   uint64           `json:"big"`
		Empty []string         `json:"empty"`
	}{"3.6\x1b[2J\u009b2J\u202e", map[string]inner{"x\x1b]0;t\x07y": {"no\r\nyes \x00\"quoted\" \\x1b"}}, " a\n+b \n \n", `C:\"x" <é>`, 1<<63 + 1, nil})
	want := `{
  "z": "3.62J",
  "a": {
    "xy": {
      "error": "no\nyes \"quoted\" \\x1b"
    }
  },
  "diff": " a\n+b \n \n",
  "path": "C:\\\"x\" <é>",
  "big": 9223372036854775809,
  "empty": null
}
`
	if err != nil || out.String() != want {
		t.Errorf("got %s, %v\nwant %s", out.String(), err, want)
	}
}
