// Package idp lets people in whom somebody else knows: by OpenID Connect, and by tokens of a trusted issuer. What a person
// may do here is identity's to say.
package idp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

const (
	timeout   = 10 * time.Second
	maxAnswer = 1 << 20
	// sparing is for how long what a provider publishes is not asked for again: a token with a made-up key would otherwise
	// cost the provider a request each.
	sparing = 10 * time.Second
)

// newClient makes requests to one provider: with an end, of bounded size, and without following redirects elsewhere.
func newClient(now clock.Clock) *http.Client {
	return &http.Client{
		Timeout: timeout, Transport: &keeper{now: now, next: http.DefaultTransport.(*http.Transport).Clone()}, //nolint:forcetypeassert // what it is
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// keeper is a transport that bounds answers, and remembers those to GET for a moment.
type keeper struct {
	now  clock.Clock
	next http.RoundTripper
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	status int
	header http.Header
	body   []byte
	until  time.Time
}

var errLong = errors.New("idp: the provider's answer is too long")

// RoundTrip implements http.RoundTripper.
func (k *keeper) RoundTrip(req *http.Request) (*http.Response, error) {
	url := req.URL.String()
	if req.Method == http.MethodGet {
		if v, ok := k.find(url); ok {
			return v.response(req), nil
		}
	}
	resp, err := k.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errLong
	}
	v := kept{resp.StatusCode, resp.Header, body, k.now().Add(sparing)}
	if req.Method == http.MethodGet {
		k.keep(url, v)
	}
	return v.response(req), nil
}

func (k *keeper) find(url string) (kept, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.kept[url]
	return v, ok && k.now().Before(v.until)
}

// keep holds the few addresses that a provider publishes things at.
func (k *keeper) keep(url string, v kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = map[string]kept{}
	}
	k.kept[url] = v
}

func (v kept) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", v.status, http.StatusText(v.status)), StatusCode: v.status, Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1, Header: v.header.Clone(), Body: io.NopCloser(bytes.NewReader(v.body)),
		ContentLength: int64(len(v.body)), Request: req,
	}
}
