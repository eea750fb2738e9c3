// Package password makes what a config's password_hash holds.
package password

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/term"

	"coreos-libvirt/internal/hint"
)

// Hash is the password's SHA-512 crypt line with a fresh salt, "$6$…" (crypt(5)); rounds, from 1000 on,
// stand in it unless they are crypt's default, 5000.
func Hash(password string, rounds int) (string, error) {
	hasher, err := shacrypt.New(shacrypt.WithSHA512(), shacrypt.WithIterations(rounds))
	if err != nil {
		return "", fmt.Errorf("rounds=%d: %w", rounds, err)
	}
	digest, err := hasher.Hash(password)
	if err != nil {
		return "", fmt.Errorf("the password cannot be hashed: %w", err)
	}
	return digest.Encode(), nil
}

// Read asks for a password twice on a terminal, without echo and with prompts on ask; from anything
// else it takes the first line.
func Read(from *os.File, ask io.Writer) (string, error) {
	if !term.IsTerminal(int(from.Fd())) {
		return readLine(from)
	}
	first, err := prompt(from, ask, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := prompt(from, ask, "Again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", hint.Add(errors.New("the two passwords differ"), "try again")
	}
	return check(first)
}

func readLine(from io.Reader) (string, error) {
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return check(strings.TrimRight(line, "\r\n"))
}

func check(password string) (string, error) {
	if password == "" {
		return "", hint.Add(errors.New("the password is empty"), "type one, or pipe one in: echo secret | mage password")
	}
	return password, nil
}

func prompt(from *os.File, ask io.Writer, text string) (string, error) {
	fmt.Fprint(ask, text)
	typed, err := term.ReadPassword(int(from.Fd()))
	fmt.Fprintln(ask)
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return string(typed), nil
}
