// Package metrics is what a member of etcd says of itself in its metrics (https://etcd.io/docs/v3.6/metrics/). It says that without a
// quorum, too, and also if etcd has users: those can only log in with a quorum.
package metrics

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// longest is how many bytes a member may answer: it is a guest, and may be anybody's by now. Those of etcd are about 160 KiB.
const longest = 4 << 20

// State is one member.
type State struct {
	ID        string // hexadecimal
	Version   string // 3.6.16
	Cluster   string // the version that all members can do: 3.6; empty if there was no quorum since it started
	Size      int    // how many members its cluster has, by what it knows
	HasLeader bool
	IsLearner bool
	Revision  int64  // of the latest change of a key that it has
	Index     uint64 // of raft's latest entry that it knows to be of a majority; 0 after a start without a quorum
	Started   string // when its process did, as it says it: compare it, and nothing else
	Waits     bool   // it has not had a majority since it was started, and answers no client: there is only its ID and its Size
}

// Client is one that shows what the members want to see; nil is for members without TLS. No proxy is between a host and its guests.
func Client(config *tls.Config) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a member sends nobody elsewhere
	}
}

// Read asks the member at the endpoint, http://10.77.0.101:2379.
func Read(ctx context.Context, client *http.Client, endpoint string) (s State, err error) {
	return s, get(ctx, client, endpoint+"/metrics", func(text io.Reader) (err error) {
		s, err = parse(text)
		return err
	})
}

// ReadWaiting asks the member where its peers reach it, http://10.77.0.101:2380: there it answers before it has a majority.
func ReadWaiting(ctx context.Context, client *http.Client, peerURL string) (State, error) {
	s, all := State{Waits: true}, []struct {
		ID   uint64   `json:"id"`
		URLs []string `json:"peerURLs"`
	}{}
	err := get(ctx, client, peerURL+"/members", func(text io.Reader) error { return json.NewDecoder(text).Decode(&all) })
	for _, m := range all {
		if slices.Contains(m.URLs, peerURL) {
			s.ID = strconv.FormatUint(m.ID, 16)
		}
	}
	if s.Size = len(all); err == nil && s.ID == "" {
		err = fmt.Errorf("%s is of no member that it knows", peerURL)
	}
	return s, err
}

func get(ctx context.Context, client *http.Client, url string, take func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return take(io.LimitReader(response.Body, longest))
}

// parse reads Prometheus' text format: name{label="value",…} value.
func parse(text io.Reader) (s State, err error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		name, labels, _ := strings.Cut(lines.Text()[:at], "{")
		s.take(name, labels, lines.Text()[at+1:])
	}
	if err := lines.Err(); err != nil {
		return State{}, err
	}
	if s.ID == "" || s.Size == 0 {
		return State{}, errors.New("it has no metrics of a member of etcd")
	}
	return s, nil
}

// take notes one line, if it is one of those that say how the member is.
func (s *State) take(name, labels, value string) {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || number < 0 {
		return
	}
	switch name {
	case "etcd_server_id":
		s.ID = label(labels, "server_id")
	case "etcd_server_version":
		s.Version = label(labels, "server_version")
	case "etcd_cluster_version":
		if number == 1 { // earlier ones are 0
			s.Cluster = label(labels, "cluster_version")
		}
	case "process_start_time_seconds":
		s.Started = value
	default:
		s.count(name, number)
	}
}

// count notes a number.
func (s *State) count(name string, number float64) {
	switch name {
	case "etcd_network_known_peers": // it is one of them
		s.Size += int(min(number, 1))
	case "etcd_server_has_leader":
		s.HasLeader = number == 1
	case "etcd_server_is_learner":
		s.IsLearner = number == 1
	case "etcd_debugging_mvcc_current_revision":
		s.Revision = int64(number)
	case "etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total":
		s.Index = max(s.Index, uint64(number))
	}
}

// label is the value of a label, if it is letters, digits, dots and hyphens.
func label(labels, name string) string {
	_, after, _ := strings.Cut(labels, name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	strange := func(c rune) bool {
		return c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	}
	if len(value) > 40 || strings.ContainsFunc(value, strange) {
		return ""
	}
	return value
}
