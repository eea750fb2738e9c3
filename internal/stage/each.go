package stage

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// eachOf does something for 0 to n-1, a few at a time, and gives the errors in their order.
func eachOf(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var all errgroup.Group
	all.SetLimit(2 * runtime.NumCPU()) // half of them wait for the disk
	for i := range n {
		all.Go(func() error {
			errs[i] = do(i)
			return nil
		})
	}
	_ = all.Wait() // all errors are in errs
	return errs
}
