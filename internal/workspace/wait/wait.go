// Package wait does things for several nodes at once, and waits so that a context can end it.
package wait

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// Each does something for 0 to n-1, a few at a time, and gives the errors in their order.
func Each(n int, do func(i int) error) []error { return On(1, n, do) }

// On does something that so many hosts have to do with for 0 to n-1, a few at a time for each host, and gives the errors in their order.
// Most of the time is waited for the hosts, so that more of them take no longer.
func On(hosts, n int, do func(i int) error) []error {
	return limited(n, hosts*2*runtime.NumCPU(), do) // half of them wait for the disk
}

// AtOnce does something that waits for guests for 0 to n-1, all at once, and gives the errors in their order.
func AtOnce(n int, do func(i int) error) []error { return limited(n, -1, do) }

func limited(n, limit int, do func(i int) error) []error {
	errs := make([]error, n)
	var all errgroup.Group
	all.SetLimit(limit)
	for i := range n {
		all.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	_ = all.Wait() // all errors are in errs
	return errs
}

// Sleep waits. It is false if ctx ended.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
