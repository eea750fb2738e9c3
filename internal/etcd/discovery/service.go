package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/terminal/hint"
)

// patience is how long a service may take to answer.
const patience = 20 * time.Second

// Service asks a v2 discovery service, such as https://discovery.etcd.io was, for a new token of the size
// (https://etcd.io/docs/v2.3/discovery_protocol/). An answer that is not a discovery URL is an error.
func Service(ctx context.Context, base string, size int) (Token, error) {
	address := fmt.Sprintf("%s/new?size=%d", strings.TrimSuffix(base, "/"), size)
	answer, err := ask(ctx, address)
	if err != nil {
		return Token{}, err
	}
	token, err := answered(answer, size)
	if err != nil {
		return token, hint.Errorf("discovery=embedded needs no service", "%s: the answer is not a discovery URL: %w", address, err)
	}
	return token, nil
}

// answered is the token of a service's answer.
func answered(answer []byte, size int) (Token, error) {
	text := strings.TrimSpace(string(answer))
	if err := CheckURLs(text); err != nil || strings.Contains(text, ",") || strings.Trim(pathOf(text), "/") == "" {
		return Token{}, fmt.Errorf("%.60q", text)
	}
	return ready(text, size), nil
}

// urlForm is of a URL that becomes a word of a unit, a shell and an environment file: http or https, a host with its port if
// it has one, and a path, of no other characters than these.
var urlForm = regexp.MustCompile(`^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$`)

// longestURL is how many bytes such a URL may have.
const longestURL = 512

// CheckURLs refuses what is not a URL of discovery, or several with commas.
func CheckURLs(urls string) error {
	for _, one := range strings.Split(urls, ",") {
		if u, err := url.Parse(one); err != nil || u.Hostname() == "" || len(one) > longestURL || !urlForm.MatchString(one) {
			return fmt.Errorf("%.80q is not http(s)://, a host, a port and a path, of letters, digits and . _ ~ / -", one)
		}
	}
	return nil
}

func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Path
}

func ready(address string, size int) Token {
	at := strings.LastIndex(strings.TrimSuffix(address, "/"), "/")
	return Token{Kind: KindV2, Endpoint: address[:at], ID: strings.Trim(address[at:], "/"), Size: size}
}

// URL is a token that the user has already. It must be there, be of the size, and not be used up.
func URL(ctx context.Context, address string, size int) (Token, error) {
	if err := CheckURLs(address); err != nil {
		return Token{}, hint.Errorf(adviceURL, "discovery: %w", err)
	}
	ofSize, err := ask(ctx, strings.TrimSuffix(address, "/")+"/_config/size")
	if err != nil {
		return Token{}, err
	}
	members, err := ask(ctx, strings.TrimSuffix(address, "/"))
	if err != nil {
		return Token{}, err
	}
	of, used, err := known(ofSize, members)
	if err != nil {
		return Token{}, hint.Errorf(adviceURL, "%s: %w", address, err)
	}
	switch {
	case of != size:
		return Token{}, hint.Errorf(fmt.Sprintf("nodes=%d, or a token of the size %d", of, size), "%s: this token is for %d members, not for %d", address, of, size)
	case used > 0 && used < of:
		return Token{}, hint.Errorf("a token serves one cluster, and one try; discovery=embedded makes a new one each time",
			"%s: this token is in use: %d of %d members have registered, which are not nodes of this cluster", address, used, of)
	case used >= of:
		return Token{}, hint.Errorf("a token serves one cluster; discovery=embedded makes a new one each time", "%s: this token is used up: all %d members have registered", address, of)
	}
	return ready(address, size), nil
}

const adviceURL = "a discovery URL is what /new?size=3 of a service answers"

// known is for how many members a token is, and how many have registered, as a v2 service answers.
func known(ofSize, ofMembers []byte) (size, registered int, err error) {
	var told, members struct {
		Node struct {
			Value string            `json:"value"`
			Nodes []json.RawMessage `json:"nodes"`
		} `json:"node"`
	}
	if err := errors.Join(json.Unmarshal(ofSize, &told), json.Unmarshal(ofMembers, &members)); err != nil {
		return 0, 0, fmt.Errorf("this is not a discovery token: %w", err)
	}
	size, err = strconv.Atoi(told.Node.Value)
	if err != nil || size < 1 {
		return 0, 0, errors.New("this token has no size")
	}
	return size, len(members.Node.Nodes), nil
}

// IsEtcd reports whether an etcd answers at the URL.
func IsEtcd(ctx context.Context, base string) bool {
	answer, err := ask(ctx, strings.TrimSuffix(base, "/")+"/version")
	return err == nil && strings.Contains(string(answer), `"etcdserver"`)
}

// client goes where a service sends it, but from https to http.
var client = &http.Client{CheckRedirect: download.StayEncrypted}

// longestAnswer is how many bytes of an answer are read.
const longestAnswer = 64 << 10

// ask gets a small document.
func ask(ctx context.Context, address string) ([]byte, error) {
	const advice = "discovery=embedded needs no service"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, hint.Errorf(advice, "discovery: %w", err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, hint.Errorf(advice, "the discovery service cannot be reached: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, answer.Status)
	}
	if err != nil {
		return nil, hint.Errorf(advice, "the discovery service does not help: %w", err)
	}
	return body, nil
}
