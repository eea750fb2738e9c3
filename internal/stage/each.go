package stage

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// eachOf does something for 0 to n-1, a few at a time, and gives the errors in their order.
func eachOf(n int, do func(i int) error) []error {
	return eachLimited(n, 2*runtime.NumCPU(), do) // half of them wait for the disk
}

// eachAtOnce does something that waits for guests for 0 to n-1, and gives the errors in their order.
func eachAtOnce(n int, do func(i int) error) []error { return eachLimited(n, -1, do) }

func eachLimited(n, limit int, do func(i int) error) []error {
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
