package command

import (
	"context"
	"errors"
	"time"

	"coreos-libvirt/internal/engine"
)

// letTell is how long libvirt may take to say what is left after an interruption.
const letTell = 400 * time.Millisecond

// Interruptible does one thing of the run, which ends within two seconds if the user interrupts it while it changes a
// cluster.
func Interruptible(ctx context.Context, r *Run, do func(context.Context) error) error {
	return r.locks.Interruptible(ctx, func(ctx context.Context) error {
		r.endsWith(ctx)
		stage, cancel := untilLost(ctx, r.leases)
		defer cancel(nil)
		err := do(stage)
		if cause := context.Cause(stage); cause != nil && ctx.Err() == nil {
			return errors.Join(cause, err)
		}
		return err
	}, func(prefixes []string) {
		for _, line := range left(r.domains, asCalled(r.Settings, "status"), func(domains map[string]engine.Domain) []string {
			return r.at().Left(r.members(), prefixes, domains)
		}) {
			r.log.Say("%s", line)
		}
	})
}

// left are the lines about the domains, if libvirt says in time which there are. status is the command that says it later.
func left(domains func() (map[string]engine.Domain, error), status string, lines func(map[string]engine.Domain) []string) []string {
	told := make(chan map[string]engine.Domain, 1)
	go func() {
		if all, err := domains(); err == nil {
			told <- all
		}
	}()
	select {
	case all := <-told:
		return lines(all)
	case <-time.After(letTell):
		return []string{"what is left is not known, libvirt does not answer: `" + status + "` says it"}
	}
}
