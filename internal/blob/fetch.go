package blob

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// Fetcher gets what upstreams offer at addresses. Addresses are an upstream's word, which may be wrong or bought: hosts
// outside the public internet are refused by the address that is connected to, whatever the name said, unless they are the
// upstream's own. Source: THREATS, section 2.
type Fetcher struct {
	public, any *http.Client
	maxBytes    int64
}

const (
	fetchTimeout = 2 * time.Minute
	dialTimeout  = 10 * time.Second
	maxRedirects = 3
)

var (
	errRedirects = errors.New("blob: too many redirects")
	errFetch     = errors.New("blob: not fetched")
)

// NewFetcher returns a fetcher of files up to a size.
func NewFetcher(maxBytes int64) *Fetcher {
	guard := ssrf.New(ssrf.WithAnyPort())
	return &Fetcher{
		public: newClient(&net.Dialer{Timeout: dialTimeout, Control: guard.Safe}), any: newClient(&net.Dialer{Timeout: dialTimeout}),
		maxBytes: maxBytes,
	}
}

// newClient goes through no proxy: then it would be the proxy's address that is checked.
func newClient(d *net.Dialer) *http.Client {
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: &http.Transport{DialContext: d.DialContext, TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: time.Minute},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRedirects
			}
			return nil
		},
	}
}

// CloseIdleConnections closes what is kept open for the next fetch.
func (f *Fetcher) CloseIdleConnections() {
	f.public.CloseIdleConnections()
	f.any.CloseIdleConnections()
}

// Fetch gets what is at an address: https, http or data. upstream is the base URL of who gave the address; only there may it
// be a private one.
func (f *Fetcher) Fetch(ctx context.Context, address, upstream string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(address, "data:"); ok {
		return f.inline(rest)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%w: not an address", errFetch)
	}
	client := f.public
	if own, err := url.Parse(upstream); err == nil && own.Scheme == u.Scheme && own.Host == u.Host {
		return f.get(ctx, withoutRedirects(f.any), u)
	}
	return f.get(ctx, client, u)
}

// withoutRedirects keeps an upstream of the private network from sending us on to its neighbours.
func withoutRedirects(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirects }
	return &own
}

func (f *Fetcher) get(ctx context.Context, client *http.Client, u *url.URL) ([]byte, error) {
	req := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"User-Agent": {"gantry"}}}).WithContext(ctx)
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFetch, withoutAddress(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", errFetch, resp.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, f.maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	case int64(len(content)) > f.maxBytes:
		return nil, ErrTooLarge
	}
	return content, nil
}

// withoutAddress leaves out the address, which may hold a signature.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (f *Fetcher) inline(rest string) ([]byte, error) {
	_, text, ok := strings.Cut(rest, ";base64,")
	if !ok {
		return nil, fmt.Errorf("%w: a data URL that is not base64", errFetch)
	}
	if int64(base64.StdEncoding.DecodedLen(len(text))) > f.maxBytes+2 {
		return nil, ErrTooLarge
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	}
	return content, nil
}
