// Package password makes what a config's password_hash holds.
package password

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/term"

	"coreos-libvirt/internal/terminal/hint"
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
// else it takes the first line. When ctx ends the terminal is as it was before.
func Read(ctx context.Context, from *os.File, ask io.Writer) (string, error) {
	if !term.IsTerminal(int(from.Fd())) {
		return readLine(from)
	}
	first, err := prompt(ctx, from, ask, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := prompt(ctx, from, ask, "Again: ")
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

func prompt(ctx context.Context, from *os.File, ask io.Writer, text string) (string, error) {
	fd := int(from.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt) // Mage may look for it later than the terminal is without echo
	defer stop()
	fmt.Fprint(ask, text)
	var typed []byte
	done := make(chan error, 1)
	go func() { // goes on reading where ctx ends: the process does, too
		var err error
		typed, err = term.ReadPassword(fd)
		done <- err
	}()
	defer fmt.Fprintln(ask)
	select {
	case err = <-done:
	case <-ctx.Done():
		return "", errors.Join(errors.New("interrupted"), term.Restore(fd, before))
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return string(typed), nil
}
