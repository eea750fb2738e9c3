package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// lines are metrics of a member that had three peers, and has two.
const lines = `# HELP etcd_server_id Server or member ID in hexadecimal format.
etcd_server_id{server_id="8aab5877f9208422"} 1
etcd_server_version{server_version="3.6.16"} 1
etcd_cluster_version{cluster_version="3.5"} 0
etcd_cluster_version{cluster_version="3.6"} 1
etcd_network_known_peers{Local="8aab5877f9208422",Remote="8aab5877f9208422"} 1
etcd_network_known_peers{Local="8aab5877f9208422",Remote="b2a1"} 1
etcd_network_known_peers{Local="8aab5877f9208422",Remote="c2a1"} 0
etcd_server_has_leader 1
etcd_server_is_learner 0
etcd_debugging_mvcc_current_revision 120
etcd_server_proposals_applied_total 310
etcd_server_proposals_committed_total 312
process_start_time_seconds 1.79580001e+09
`

// serves gives texts by path, as a member does.
func serves(t *testing.T, texts map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, is := texts[r.URL.Path]
		if !is {
			http.Redirect(w, r, "/metrics", http.StatusFound)
			return
		}
		_, _ = fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRead(t *testing.T) {
	want := State{ID: "8aab5877f9208422", Version: "3.6.16", Cluster: "3.6", Size: 2, HasLeader: true, Revision: 120, Index: 312, Started: "1.79580001e+09"}
	if got, err := Read(t.Context(), Client(nil), serves(t, map[string]string{"/metrics": lines})); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for what, text := range map[string]string{
		"nothing":                "",
		"another program's":      "process_start_time_seconds 1\n",
		"a line that never ends": strings.Repeat("x", longest),
		"an id that is none":     strings.ReplaceAll(lines, `server_id="8aab5877f9208422"`, "server_id=\"\x1b[2J\""),
		"no number of peers":     strings.ReplaceAll(lines, "} 1\n", "} NaN\n"),
	} {
		if got, err := Read(t.Context(), Client(nil), serves(t, map[string]string{"/metrics": text})); err == nil {
			t.Errorf("%s: got %+v", what, got)
		}
	}
	if _, err := Read(t.Context(), Client(nil), serves(t, nil)); err == nil || !strings.Contains(err.Error(), "/metrics: 302 Found") {
		t.Errorf("a member sends nobody elsewhere: got %v", err)
	}
}

func TestReadWaiting(t *testing.T) {
	texts := map[string]string{"/members": ""}
	url := serves(t, texts)
	texts["/members"] = `[{"id":17264311983557637979,"peerURLs":["` + url + `"],"name":"core01"},{"id":2,"peerURLs":["http://127.0.0.1:1"]}]`
	if got, err := ReadWaiting(t.Context(), Client(nil), url); err != nil || got != (State{ID: "ef9728475f78f75b", Size: 2, Waits: true}) {
		t.Errorf("got %+v, %v", got, err)
	}
	texts["/members"] = `[{"id":2,"peerURLs":["http://127.0.0.1:1"]}]`
	if _, err := ReadWaiting(t.Context(), Client(nil), url); err == nil || !strings.Contains(err.Error(), " is of no member that it knows") {
		t.Errorf("got %v", err)
	}
	texts["/members"] = "[{"
	if _, err := ReadWaiting(t.Context(), Client(nil), url); err == nil {
		t.Error("half a list is one")
	}
}
