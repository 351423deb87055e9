package anthropic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// template is a request of an operation, complete but for context, body and callers' headers.
func (u *upstream) template(method, path, accept string) *http.Request {
	target := *u.base
	target.Path += path
	if target.RawPath != "" {
		target.RawPath += path
	}
	header := maps.Clone(u.header)
	header["Accept"] = []string{accept}
	if accept == "text/event-stream" {
		header["Accept-Encoding"] = []string{"identity"} // a compressor may sit on events until it has more
	}
	return &http.Request{
		Method: method, URL: &target, Host: target.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

var errKind = errors.New("anthropic: the upstream has no such operation")

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	if c.Kind != inference.Messages {
		return nil, errKind
	}
	if c.Stream {
		return u.post(ctx, u.stream, c)
	}
	return u.post(ctx, u.whole, c)
}

// post sends a call's body as a template says.
func (u *upstream) post(ctx context.Context, template *http.Request, c *provider.Call) (*http.Response, error) {
	req := template.WithContext(ctx) // a shallow copy: headers are shared, and only read
	req.Header = u.withCallers(req.Header, c.Header)
	if req.Header[betaHeader] != nil {
		beta := *req.URL
		beta.RawQuery = "beta=true" // as official clients send betas
		req.URL = &beta
	}
	body := c.Body
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	return u.do(req)
}

func (u *upstream) do(req *http.Request) (*http.Response, error) {
	resp, err := u.transport.RoundTrip(req)
	if err != nil {
		return nil, provider.SendError(req.Context(), err)
	}
	return resp, nil
}

const (
	// maxPage bounds what is read of a page of models, maxPages how many are asked for.
	maxPage  = 8 << 20
	maxPages = 20
)

// Models asks for the upstream's models, page by page.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	var all []string
	after := ""
	for range maxPages {
		body, err := u.page(ctx, after)
		if err != nil {
			return nil, err
		}
		ids, next, ok := wire.ParseModels(body)
		if !ok {
			return nil, provider.Unreadable(provider.NoModels)
		}
		all = append(all, ids...)
		if next == "" || next == after {
			break
		}
		after = next
	}
	return all, nil
}

func (u *upstream) page(ctx context.Context, after string) ([]byte, error) {
	req := u.template(http.MethodGet, modelsPath, "application/json").WithContext(ctx)
	query := url.Values{"limit": {"1000"}}
	if after != "" {
		query.Set("after_id", after)
	}
	req.URL.RawQuery = query.Encode()
	return u.read(ctx, req)
}

// read makes a request and returns its whole answer. The error is a *provider.Error.
func (u *upstream) read(ctx context.Context, req *http.Request) ([]byte, error) {
	resp, err := u.do(req)
	if err != nil {
		return nil, provider.Unreached(ctx)
	}
	return u.whole200(ctx, resp)
}

func (u *upstream) whole200(ctx context.Context, resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	case err != nil:
		return nil, provider.Unreached(ctx)
	}
	return body, nil
}

// CountTokens asks the upstream to count. Code: not_found where it does not.
func (u *upstream) CountTokens(ctx context.Context, c *provider.Call) (int64, error) {
	if u.count == nil {
		return 0, &provider.Error{Outcome: provider.Outcome{Category: inference.NotFound, Code: "not_found"}}
	}
	resp, err := u.post(ctx, u.count, c)
	if err != nil {
		return 0, provider.Unreached(ctx)
	}
	body, err := u.whole200(ctx, resp)
	if err != nil {
		return 0, err
	}
	n, ok := wire.ParseTokenCount(body)
	if !ok {
		return 0, provider.Unreadable("The answer is not a count of tokens.")
	}
	return n, nil
}
