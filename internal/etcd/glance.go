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
)

// Glance asks the members at the endpoints once, by etcd's JSON gateway (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/),
// which needs no helper program: whether they are healthy, and who leads. Names stay empty. Where an answer is none,
// the member counts as not healthy, and the helper may find out more.
func (h Helper) Glance(ctx context.Context, endpoints []string) Status {
	status := Status{Members: make([]Member, len(endpoints))}
	client, err := clientWith(h.credentials)
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			m := Member{Endpoint: endpoint}
			if err := errors.Join(err, glance(ctx, client, &m)); err != nil {
				m.Error = err.Error()
			}
			status.Members[i] = m
		})
	}
	all.Wait()
	return status.printable()
}

// glance asks two things of a member at once: what it is, and for a linearizable read, which needs a quorum.
func glance(ctx context.Context, client *http.Client, m *Member) error {
	var state struct {
		Header struct {
			MemberID string `json:"member_id"`
		} `json:"header"`
		Leader  string `json:"leader"`
		Version string `json:"version"`
		DBSize  string `json:"dbSize"`
	}
	read := make(chan error, 1)
	go func() { read <- ask(ctx, client, m.Endpoint+"/v3/kv/range", `{"key":"aGVhbHRo"}`, &struct{}{}) }()
	err := ask(ctx, client, m.Endpoint+"/v3/maintenance/status", `{}`, &state)
	if err := errors.Join(err, <-read); err != nil {
		return err
	}
	m.ID, m.Leader, m.Version = hexadecimal(state.Header.MemberID), hexadecimal(state.Leader), state.Version
	m.DBSize, _ = strconv.ParseInt(state.DBSize, 10, 64)
	m.Healthy = m.ID != ""
	return nil
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

func ask(ctx context.Context, client *http.Client, url, question string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(question))
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
