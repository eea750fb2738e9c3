package etcd

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestClocks: a fake member, as no real one here has another clock than this machine's.
func TestClocks(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		}))
		t.Cleanup(server.Close)
		got := Helper{}.Clocks(t.Context(), []string{server.URL, "http://127.0.0.1:1"})
		if !got[0].Known || (got[0].Ahead-off).Abs() > 2*time.Second || off == 0 && got[0].Ahead != 0 || got[1].Known {
			t.Errorf("%s: got %+v", off, got)
		}
	}
}
