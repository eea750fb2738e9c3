package command

import (
	"context"
	"slices"
	"strings"
)

// beside is a run with words of its own in place of the run's, as a command line with them would make it. It has the run's log,
// connection and locks. about is what it is about.
func beside(ctx context.Context, run *Run, about About, words ...string) (*Run, error) {
	own := slices.DeleteFunc(slices.Clone(run.Words), func(word string) bool {
		key, _, _ := strings.Cut(word, "=")
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, key+"=") })
	})
	r, err := NewAbout(append(own, words...), about, run.log.Writer())
	if err != nil {
		return nil, err
	}
	r.log, r.locks, r.leases, r.daemon, r.fleet, r.conn, r.etcd = run.log, run.locks, run.leases, run.daemon, run.fleet, run.conn, run.etcd
	r.endsWith(ctx)
	return r, nil
}
