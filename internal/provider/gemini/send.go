package gemini

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/gemini"
)

var errKind = errors.New("gemini: the upstream has no such operation")

// Action is the verb of the address that a call is made at; empty for operations that there are not.
func Action(c *provider.Call) string {
	switch {
	case c.Kind == inference.GenerateContent && c.Stream:
		return "streamGenerateContent"
	case c.Kind == inference.GenerateContent:
		return "generateContent"
	case c.Kind == inference.Embeddings && wire.IsBatch(c.Body):
		return "batchEmbedContents"
	case c.Kind == inference.Embeddings:
		return "embedContent"
	}
	return ""
}

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	action := Action(c)
	if action == "" {
		return nil, errKind
	}
	req := Request(ctx, u.base, modelPath(c.Model)+":"+action, u.header, c.Body, c.Stream)
	return Do(u.transport, req)
}

// modelPath is a model's place below the base URL. A name may say so itself: tunedModels/mine.
func modelPath(model string) string {
	for _, family := range [...]string{"models/", "tunedModels/"} {
		if strings.HasPrefix(model, family) {
			return "/" + family + url.PathEscape(model[len(family):])
		}
	}
	return "/models/" + url.PathEscape(model)
}

// Request is a call at an escaped path below base. The header is shared, and only read.
func Request(ctx context.Context, base *url.URL, path string, header http.Header, body []byte, stream bool) *http.Request {
	target := *base
	target.RawPath = base.EscapedPath() + path
	target.Path, _ = url.PathUnescape(target.RawPath)
	accept := "application/json"
	if stream {
		accept, target.RawQuery = "text/event-stream", "alt=sse"
	}
	header = maps.Clone(header)
	header["Accept"] = []string{accept}
	if stream {
		header["Accept-Encoding"] = []string{"identity"} // a compressor may sit on events until it has more
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req := (&http.Request{
		Method: method, URL: &target, Host: target.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body != nil {
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

// Do sends a request. Errors are those of provider.SendError.
func Do(t http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTrip(req)
	if err != nil {
		return nil, provider.SendError(req.Context(), err)
	}
	return resp, nil
}

const (
	maxPage  = 8 << 20 // bytes
	maxPages = 50
)

// Models asks for the upstream's models, page by page.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	var all []string
	token := ""
	for range maxPages {
		names, next, err := u.page(ctx, token)
		if err != nil {
			return nil, err
		}
		if all, token = append(all, names...), next; token == "" {
			break
		}
	}
	return all, nil
}

func (u *upstream) page(ctx context.Context, token string) ([]string, string, error) {
	req := Request(ctx, u.base, "/models", u.header, nil, false)
	query := url.Values{"pageSize": {"1000"}}
	if token != "" {
		query.Set("pageToken", token)
	}
	req.URL.RawQuery = query.Encode()
	resp, err := Do(u.transport, req)
	if err != nil {
		return nil, "", provider.Unreached(ctx)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if resp.StatusCode != http.StatusOK {
		return nil, "", &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	}
	names, next, ok := wire.ParseModels(body)
	if err != nil || !ok {
		return nil, "", provider.Unreadable(provider.NoModels)
	}
	return names, next, nil
}
