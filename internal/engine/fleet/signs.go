package fleet

import "time"

// signs are those of a host's life: answers to a question that costs nothing, while another one is open.
type signs struct {
	of  chan struct{}
	end func()
}

// signsOf asks the host again and again until end is called, some times in the patience that it has.
func signsOf(on On, patience time.Duration) signs {
	s, ended := signs{of: make(chan struct{})}, make(chan struct{})
	s.end = func() { close(ended) }
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(patience / pingsWithin):
			}
			if _, err := on.Running(); err != nil {
				return // the question that is open will fail, too
			}
			select {
			case s.of <- struct{}{}:
			case <-ended:
				return
			}
		}
	}()
	return s
}
