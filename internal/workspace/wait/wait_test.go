package wait

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// TestOn: as many more are done at once as there are more hosts, and no more than that. Errors come in their order.
func TestOn(t *testing.T) {
	const hosts = 3
	var mu sync.Mutex
	all, most, now := make(chan struct{}), 0, 0
	errs := On(hosts, 10*hosts*runtime.NumCPU(), func(i int) error {
		mu.Lock()
		if now++; now > most {
			if most = now; most == hosts*2*runtime.NumCPU() {
				close(all)
			}
		}
		mu.Unlock()
		<-all // or else until the test's own end
		mu.Lock()
		defer mu.Unlock()
		now--
		return fmt.Errorf("%d", i)
	})
	if most != hosts*2*runtime.NumCPU() {
		t.Errorf("%d were done at once on %d hosts", most, hosts)
	}
	for i, err := range errs {
		if err.Error() != fmt.Sprint(i) {
			t.Errorf("the error of %d is %v", i, err)
		}
	}
	if len(On(0, 0, nil)) != 0 || errors.Join(Each(3, func(int) error { return nil })...) != nil {
		t.Error("nothing was to be done, or nothing has failed")
	}
}
