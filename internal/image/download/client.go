// Package download gets files over HTTP: small documents whole, images as one stream that goes on
// across broken connections.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"coreos-libvirt/internal/terminal/hint"
)

// Client asks servers, again after network errors and answers from 500 on, with longer and longer
// waits between.
type Client struct {
	// Stall is how long no byte may come before it is an error.
	Stall time.Duration
	// Wait is the least wait before another try.
	Wait time.Duration
	// Whole is how long a small document may take to come, however steadily.
	Whole time.Duration
	// Tries is how often in a row is tried again without a byte.
	Tries int

	transport http.RoundTripper
}

// New is a client over the transport.
func New(transport http.RoundTripper) *Client {
	return &Client{Stall: 30 * time.Second, Wait: 500 * time.Millisecond, Tries: 4, Whole: 2 * time.Minute, transport: transport}
}

const longestWait = 8 * time.Second

var errDowngrade = errors.New("a redirect from https to http is not followed")

func (c *Client) retrying() *retryablehttp.Client {
	client := retryablehttp.NewClient()
	client.HTTPClient = &http.Client{Transport: c.transport, CheckRedirect: StayEncrypted}
	client.Logger = nil
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = c.Tries, c.Wait, longestWait
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	client.CheckRetry = func(ctx context.Context, answer *http.Response, err error) (bool, error) {
		if errors.Is(err, errDowngrade) {
			return false, err
		}
		return retryablehttp.DefaultRetryPolicy(ctx, answer, err)
	}
	return client
}

// StayEncrypted is what browsers call no mixed content; and Go's own limit of ten redirects.
func StayEncrypted(to *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return errDowngrade
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// StatusError is an answer other than the one that was asked for.
type StatusError struct {
	URL  string
	Code int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %d %s", Public(e.URL), e.Code, http.StatusText(e.Code))
}

// errUnreachable is what the network or the server is to blame for.
var errUnreachable = errors.New("unreachable")

// Unreachable reports whether err is the network's, or a server's that is out of order: not a file that is not
// there, or not as it should be.
func Unreachable(err error) bool {
	var status *StatusError
	return errors.Is(err, errUnreachable) || errors.As(err, &status) && status.Code >= http.StatusInternalServerError
}

// unreachable marks the error and leaves its text.
type unreachable struct{ error }

func (u unreachable) Unwrap() []error { return []error{u.error, errUnreachable} }

// Public is the address without what may be a secret: a user's password, and a query, like that of a link that was
// made for one.
func Public(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the URL"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
	return u.String()
}

// get asks for the URL. The answer's status is any; an error says what the network said.
func (c *Client) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	var unreadable *url.Error
	if errors.As(err, &unreadable) { // its text is the whole address
		err = fmt.Errorf("%s makes no sense: %w", Public(address), unreadable.Err)
	}
	if err != nil {
		return nil, err
	}
	request.Header = header
	request.Header.Set("Accept-Encoding", "identity") // lengths and ETags are those of the file
	answer, err := c.retrying().Do(request)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return answer, plain(address, err)
}

// plain is err with the address once and without Go's words around it.
func plain(address string, err error) error {
	if err == nil {
		return nil
	}
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return hint.Add(unreachable{fmt.Errorf("%s: %w", Public(address), err)}, "is the network there? a run later goes on from where this one ended")
}

// Document gets a small file whole. One larger than limit bytes is an error.
func (c *Client) Document(ctx context.Context, address string, limit int64) ([]byte, error) {
	for again := 0; ; again++ {
		data, err := c.document(ctx, address, limit)
		if !errors.Is(err, ErrChanged) || again >= c.Tries { // a server that cuts may tell nothing by which to go on
			return data, err
		}
	}
}

func (c *Client) document(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Whole, hint.Errorf("is the server in order? another run asks again", "it has not come whole within %s", c.Whole))
	defer cancel()
	file, err := c.Open(ctx, address, Position{})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: larger than %d KiB: this cannot be what it should be", Public(address), limit>>10)
	}
	return data, err
}
