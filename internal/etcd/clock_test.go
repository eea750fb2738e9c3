package etcd

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestClock: a fake member, as no real one here has another clock than this machine's.
func TestClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		}))
		t.Cleanup(server.Close)
		got := Helper{}.Clock(t.Context(), server.URL)
		if !got.Known || (got.Ahead-off).Abs() > 2*time.Second || off == 0 && got.Ahead != 0 {
			t.Errorf("%s: got %+v", off, got)
		}
	}
	if got := (Helper{}).Clock(t.Context(), "http://127.0.0.1:1"); got.Known {
		t.Errorf("of nobody: got %+v", got)
	}
}
