// Package table prints what targets found: in columns for people, as JSON for programs.
package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"text/tabwriter"

	"coreos-libvirt/internal/terminal/printable"
)

// Table is rows of cells. The first row is the head.
type Table struct{ rows []string }

// New is a table that has only a head.
func New(head ...string) *Table {
	t := &Table{}
	t.Row(head...)
	return t
}

// Row adds a row. A cell is one line of printable text, whatever a guest or a server has put into it.
func (t *Table) Row(cells ...string) {
	shown := make([]string, len(cells))
	for i, cell := range cells {
		shown[i] = printable.Line(breaks.Replace(cell))
	}
	t.rows = append(t.rows, strings.Join(shown, "\t"))
}

// breaks are what would begin another cell or row.
var breaks = strings.NewReplacer("\t", " ", "\r\n", " ", "\n", " ")

// Print writes the rows, with each column as wide as its longest cell.
func (t *Table) Print(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(columns, row)
	}
	return columns.Flush()
}

// Dash is the text, or a dash if there is none.
func Dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// JSON writes the value for programs to read. Its texts are printable, whatever a guest or a server has put into them.
// A list that is nil is an empty one.
func JSON(w io.Writer, value any) error {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice && v.IsNil() {
		value = []any{}
	}
	text, err := encode(value, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(words.ReplaceAllFunc(text, printableWord))
	return err
}

func encode(value any, indent string) ([]byte, error) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetIndent("", indent)
	out.SetEscapeHTML(false)
	err := out.Encode(value)
	return text.Bytes(), err
}

// words are JSON's strings (RFC 8259, section 7).
var words = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func printableWord(word []byte) []byte {
	var text string
	if json.Unmarshal(word, &text) != nil || printable.Value(text) == text {
		return word
	}
	shown, err := encode(printable.Value(text), "")
	if err != nil {
		return []byte(`""`)
	}
	return bytes.TrimSpace(shown)
}
