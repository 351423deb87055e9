package bedrock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
)

// route is how calls of a kind are made.
type route struct {
	whole, stream string // the last part of the path
	// body is what goes out; event writes one frame of a stream as an event of the dialect.
	body  func(c *provider.Call) ([]byte, error)
	event func(dst []byte, f frame) ([]byte, error)
}

var errKind = errors.New("bedrock: the upstream has no such operation")

// Send makes one call. The model stands in the path. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	way, ok := u.routes[c.Kind]
	if !ok {
		return nil, errKind
	}
	body, err := way.body(c)
	if err != nil {
		return nil, err
	}
	operation, accept := way.whole, "application/json"
	if c.Stream {
		operation, accept = way.stream, "application/vnd.amazon.eventstream"
	}
	req := u.request(http.MethodPost, u.base, "/model/"+escape(c.Model, "")+"/"+operation, "", accept, body)
	resp, err := u.do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if c.Stream && resp.StatusCode == http.StatusOK {
		return streamed(resp, way.event)
	}
	return resp, nil
}

// request makes a request and signs it. path is encoded as it is to be sent.
func (u *upstream) request(method string, base *url.URL, path, query, accept string, body []byte) *http.Request {
	target := *base
	raw := target.EscapedPath() + path
	target.RawQuery = query
	target.RawPath = raw
	if plain, err := url.PathUnescape(raw); err == nil {
		target.Path = plain
	}
	r := &http.Request{
		Method: method, URL: &target, Host: target.Host, Header: maps.Clone(u.header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	r.Body, _ = r.GetBody()
	r.Header["Accept"] = []string{accept}
	if method == http.MethodPost {
		r.Header["Content-Type"] = []string{"application/json"}
	}
	if u.signer != nil {
		u.signer.sign(r, raw, body, u.now())
	}
	return r
}

func (u *upstream) do(r *http.Request) (*http.Response, error) {
	resp, err := u.transport.RoundTrip(r)
	if err != nil {
		return nil, provider.SendError(r.Context(), err)
	}
	if id := resp.Header.Get("X-Amzn-Requestid"); id != "" {
		resp.Header.Set("X-Request-Id", id) // under the name by which others know it
	}
	return resp, nil
}

// streamed turns frames into server-sent events.
func streamed(resp *http.Response, event func([]byte, frame) ([]byte, error)) (*http.Response, error) {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/vnd.amazon.eventstream") {
		return resp, nil // not what was asked for; whoever reads it will say so
	}
	resp.Header.Set("Content-Type", "text/event-stream")
	resp.ContentLength = -1
	resp.Body = newBody(resp.Body, event)
	return resp, nil
}
