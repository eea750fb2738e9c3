package line

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	lines := NewLines(strings.NewReader("one\n\n"+strings.Repeat("x", 300<<10)+"\n12345678\n123456789\nlast\nno end"), 9)
	for _, want := range []string{"one\n", "\n", "", "12345678\n", "", "last\n"} {
		line, err := lines.Next()
		if want == "" && !errors.Is(err, ErrTooLong) || want != "" && (err != nil || string(line) != want) {
			t.Errorf("want %q, got %q, %v", want, line, err)
		}
	}
	if line, err := lines.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %q, %v", line, err)
	}
}

// token is a message of this test.
type token struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
}

// TestBeginning is of answers as they are written, and of nothing else.
func TestBeginning(t *testing.T) {
	for line, want := range map[string]Answer{
		`{"id":17,"last":true,"result":{"members":[`: {ID: 17, Last: true},
		`{"id":17,"result":{"members":[`:             {ID: 17},
		`{"id":1,"last":true,"error":"x`:             {ID: 1, Last: true},
		`{"id":0,"last":true,"error":"x`:             {},
		`{"id":99999999999999999999,"result":[`:      {},
		`{"result":{"id":1,"last":true`:              {},
		`xxxxxxxxx`:                                  {},
		``:                                           {},
	} {
		if got, ok := Beginning([]byte(line)); got.ID != want.ID || got.Last != want.Last || ok != (want.ID != 0) {
			t.Errorf("%s: got %+v, %t", line, got, ok)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"id":"a","size":3}` + "\n": true,
		`{}`:                         true,
		`{"id":"a","more":1}`:        false,
		`{"id":1}`:                   false,
		`{} {}`:                      false,
		`{}]`:                        false,
		`{"id":"a"`:                  false,
		``:                           false,
	} {
		var got token
		if err := Decode([]byte(text), &got); (err == nil) != ok {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestPipe(t *testing.T) {
	var sent bytes.Buffer
	pipe := NewPipe(&sent, 40)
	for _, id := range []string{"short", strings.Repeat("x", 40)} {
		if err := pipe.Send(token{ID: id}); (id == "short") != (err == nil) || err != nil && !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: got %v", id, err)
		}
	}
	if sent.String() != `{"id":"short","size":0}`+"\n" {
		t.Errorf("got %s", sent.String())
	}
}
