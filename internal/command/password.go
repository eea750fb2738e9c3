package command

import (
	"context"
	"fmt"
	"os"

	"coreos-libvirt/internal/config/password"
)

// Password prints the line for password_hash of a password that is typed, or piped in.
func Password(ctx context.Context, r *Run) error {
	typed, err := password.Read(ctx, os.Stdin, os.Stderr)
	if err != nil {
		return err
	}
	line, err := password.Hash(typed, r.Rounds)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(r.log.Writer(), line)
	return err
}
