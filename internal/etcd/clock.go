package etcd

import (
	"context"
	"net/http"
	"time"
)

// Clock is how far a member's clock was from this machine's.
type Clock struct {
	Ahead time.Duration // negative: it is behind
	Known bool          // false if it did not answer
}

// Clock is that of the member at the endpoint, as the header of an answer shows it (Date, RFC 9110), which has whole
// seconds. What the answer may have needed on its way counts in the member's favour. A member says that without a quorum, too.
func (h Helper) Clock(ctx context.Context, endpoint string) (c Clock) {
	client, _, err := newBrowser(h)
	if err != nil {
		return c
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint+"/version", nil)
	if err != nil {
		return c
	}
	asked := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return c
	}
	_ = response.Body.Close()
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return c
	}
	return ClockOf(at, asked, time.Now())
}

// ClockOf is the clock that showed these whole seconds at some moment between two of this machine's.
func ClockOf(at, from, until time.Time) Clock {
	c := Clock{Known: true}
	from, until = from.Round(0), until.Round(0) // without the monotonic clock, which no other machine has
	switch late := at.Add(time.Second); {
	case at.After(until):
		c.Ahead = at.Sub(until)
	case late.Before(from):
		c.Ahead = late.Sub(from)
	}
	return c
}
