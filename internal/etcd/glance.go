package etcd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"

	"coreos-libvirt/internal/etcd/wire"
)

// Glance asks the members at the endpoints once, by etcd's JSON gateway (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/),
// which needs no helper program: whether they are healthy, and who leads. Names stay empty. Where an answer is none,
// the member counts as not healthy, and the helper may find out more.
func (h Helper) Glance(ctx context.Context, endpoints []string) Status {
	status, told := Status{Members: make([]Member, len(endpoints))}, make([]Peers, len(endpoints))
	client, c, err := newBrowser(h)
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			m := Member{Endpoint: endpoint}
			var failed error
			if told[i], failed = glance(ctx, client.as(ctx, endpoint, c), &m); err != nil || failed != nil {
				m.Error = errors.Join(err, failed).Error()
			}
			status.Members[i] = m
		})
	}
	all.Wait()
	peers, ok := agreed(told)
	for i := range status.Members {
		if m := &status.Members[i]; !ok && m.Healthy {
			m.Healthy, m.Error = false, "the members do not agree who they are"
		}
	}
	status.Peers = peers
	return status.printable()
}

// glance asks three things of a member at once: what it is, for a linearizable read, which needs a quorum, and who the others are.
func glance(ctx context.Context, client browser, m *Member) (Peers, error) {
	var state struct {
		Header struct {
			MemberID string `json:"member_id"`
		} `json:"header"`
		Leader  string   `json:"leader"`
		Version string   `json:"version"`
		DBSize  string   `json:"dbSize"`
		Errors  []string `json:"errors"`
	}
	read, listed, peers := make(chan error, 1), make(chan error, 1), Peers(nil)
	go func() { read <- ask(ctx, client, m.Endpoint+"/v3/kv/range", `{"key":"aGVhbHRo"}`, &struct{}{}) }()
	go func() {
		var err error
		peers, err = glanceAtPeers(ctx, client, m.Endpoint)
		listed <- err
	}()
	err := ask(ctx, client, m.Endpoint+"/v3/maintenance/status", `{}`, &state)
	if err := errors.Join(err, <-read, <-listed); err != nil {
		return nil, err
	}
	m.ID, m.Leader, m.Version = hexadecimal(state.Header.MemberID), hexadecimal(state.Leader), state.Version
	m.DBSize, _ = strconv.ParseInt(state.DBSize, 10, 64)
	id, _ := strconv.ParseUint(state.Header.MemberID, 10, 64)
	err = m.Raised(wire.AlarmsIn(state.Errors), id, peers)
	m.Healthy = m.ID != "" && err == nil
	return peers, err
}

// glanceAtPeers are the members as the one at the endpoint knows them.
func glanceAtPeers(ctx context.Context, client browser, endpoint string) (peers Peers, err error) {
	var told struct {
		Members []struct {
			ID      string   `json:"ID"`
			Name    string   `json:"name"`
			URLs    []string `json:"peerURLs"`
			Clients []string `json:"clientURLs"`
			Learner bool     `json:"isLearner"`
		} `json:"members"`
	}
	err = ask(ctx, client, endpoint+"/v3/cluster/member/list", `{}`, &told)
	for _, m := range told.Members {
		peers = append(peers, Peer{ID: hexadecimal(m.ID), Name: m.Name, URLs: m.URLs, Clients: m.Clients, Learner: m.Learner})
	}
	return peers, err
}

// agreed are the members as all tell them that tell of any.
func agreed(told []Peers) (peers Peers, ok bool) {
	for _, list := range told {
		switch {
		case len(list) == 0:
		case len(peers) > 0 && wire.Digest(list) != wire.Digest(peers):
			return nil, false
		default:
			peers = list
		}
	}
	return peers, true
}

// hexadecimal is an id as etcdctl prints it; the gateway gives it as a decimal number.
func hexadecimal(id string) string {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(n, 16)
}

// longestAnswer is how many bytes a member may answer: it is a guest, and may be anybody's by now.
const longestAnswer = 1 << 20

// browser is a client of the members' JSON gateway.
type browser struct {
	*http.Client
	token string // of the user; empty if there is none
}

// newBrowser is one that shows what the members want to see, and the user to log in as.
func newBrowser(h Helper) (browser, Credentials, error) {
	c, failed := h.shown()
	client, err := clientWith(c)
	return browser{Client: client}, c, errors.Join(failed, err)
}

// as is the browser, logged in at the endpoint. Where that fails, what is asked next is refused.
func (b browser) as(ctx context.Context, endpoint string, c Credentials) browser {
	if c.User == "" {
		return b
	}
	var given struct {
		Token string `json:"token"`
	}
	login, err := json.Marshal(map[string]string{"name": c.User, "password": c.Password})
	if err == nil && ask(ctx, b, endpoint+"/v3/auth/authenticate", string(login), &given) == nil {
		b.token = given.Token
	}
	return b
}

func ask(ctx context.Context, client browser, url, question string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(question))
	if err != nil {
		return err
	}
	if client.token != "" {
		request.Header.Set("Authorization", client.token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, longestAnswer)).Decode(answer)
}

// clientWith is a client that shows the credentials. No proxy is between a host and its guests.
func clientWith(c Credentials) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a member sends nobody elsewhere
	}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return client, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(text)
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return client, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return client, nil
}
