package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
)

// patience is how long a service may take to answer.
const patience = 20 * time.Second

// Service asks a v2 discovery service, such as https://discovery.etcd.io was, for a new token of the size
// (https://etcd.io/docs/v2.3/discovery_protocol/). An answer that is no discovery URL is an error.
func Service(ctx context.Context, base string, size int) (Token, error) {
	address := fmt.Sprintf("%s/new?size=%d", strings.TrimSuffix(base, "/"), size)
	answer, err := ask(ctx, address)
	if err != nil {
		return Token{}, err
	}
	text := strings.TrimSpace(string(answer))
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || len(u.Path) < 2 || strings.ContainsAny(text, " <>\n") {
		return Token{}, hint.Errorf("discovery=embedded needs no service", "%s: the answer is no discovery URL: %.60q", address, text)
	}
	return ready(text, size), nil
}

func ready(address string, size int) Token {
	at := strings.LastIndex(strings.TrimSuffix(address, "/"), "/")
	return Token{Kind: KindV2, Endpoint: address[:at], ID: strings.Trim(address[at:], "/"), Size: size}
}

// URL is a token that the user has already. It must be there, be of the size, and not be used up.
func URL(ctx context.Context, address string, size int) (Token, error) {
	var told, members struct {
		Node struct {
			Value string `json:"value"`
			Nodes []any  `json:"nodes"`
		} `json:"node"`
	}
	for path, into := range map[string]any{"/_config/size": &told, "": &members} {
		answer, err := ask(ctx, strings.TrimSuffix(address, "/")+path)
		if err != nil {
			return Token{}, err
		}
		if err := json.Unmarshal(answer, into); err != nil {
			return Token{}, hint.Errorf("a discovery URL is what /new?size=3 of a service answers", "%s: this is no discovery token: %w", address, err)
		}
	}
	of, err := strconv.Atoi(told.Node.Value)
	switch {
	case err != nil:
		return Token{}, hint.Errorf("a discovery URL is what /new?size=3 of a service answers", "%s: this token has no size", address)
	case of != size:
		return Token{}, hint.Errorf(fmt.Sprintf("nodes=%d, or a token of the size %d", of, size), "%s: this token is for %d members, not for %d", address, of, size)
	case len(members.Node.Nodes) > 0 && len(members.Node.Nodes) < of:
		return Token{}, hint.Errorf("a token serves one cluster, and one try; discovery=embedded makes a new one each time",
			"%s: this token is in use: %d of %d members have registered, which are no nodes of this cluster", address, len(members.Node.Nodes), of)
	case len(members.Node.Nodes) >= of:
		return Token{}, hint.Errorf("a token serves one cluster; discovery=embedded makes a new one each time", "%s: this token is used up: all %d members have registered", address, of)
	}
	return ready(address, size), nil
}

// IsEtcd tells whether an etcd answers at the URL.
func IsEtcd(ctx context.Context, base string) bool {
	answer, err := ask(ctx, strings.TrimSuffix(base, "/")+"/version")
	return err == nil && strings.Contains(string(answer), `"etcdserver"`)
}

// ask gets a small document.
func ask(ctx context.Context, address string) ([]byte, error) {
	const advice = "discovery=embedded needs no service"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, hint.Errorf(advice, "discovery: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, hint.Errorf(advice, "the discovery service cannot be reached: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, answer.Status)
	}
	if err != nil {
		return nil, hint.Errorf(advice, "the discovery service does not help: %w", err)
	}
	return body, nil
}
