package etcd

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
)

// TestAGlanceIsPrintable, whatever a fake of a member says.
func TestAGlanceIsPrintable(t *testing.T) {
	for what, member := range map[string]http.HandlerFunc{
		"a version": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"header":{"member_id":"1"},"leader":"1","version":"3.6\u001b[2J\u202e"}`))
		},
		"an error": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"header":{"member_id":["` + "\x1b]0;x\x07" + `"]}}`))
		},
	} {
		server := httptest.NewServer(member)
		status := NewHelper("", "").Glance(t.Context(), []string{server.URL})
		server.Close()
		m := status.Members[0]
		if said := m.Version + m.Error; said == "" || strings.ContainsFunc(said, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Errorf("%s: got %q", what, said)
		}
	}
}
