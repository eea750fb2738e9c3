// Package question asks the person at the terminal, if there is one.
package question

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Asker shows a text that ends with a question, and reports whether the answer is yes. It is nil if there is nobody to ask.
type Asker func(text string) (yes bool, err error)

// OnTerminal asks on the terminal that this process was started on: standard output may go elsewhere. It is nil if there is none.
func OnTerminal() Asker {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return From(os.Stdin, os.Stderr)
}

// From asks there. Anything but y or yes, the end of the input too, means no.
func From(in io.Reader, out io.Writer) Asker {
	return func(text string) (bool, error) {
		if _, err := fmt.Fprintf(out, "%s [y/N] ", text); err != nil {
			return false, err
		}
		answer, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		answer = strings.ToLower(strings.TrimSpace(answer))
		return answer == "y" || answer == "yes", nil
	}
}
