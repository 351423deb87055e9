package openai

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
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// templates are the two requests of an operation, complete but for context, body and callers' headers.
type templates struct{ whole, stream *http.Request }

func (u *upstream) newTemplates(path, accept string) *templates {
	return &templates{
		whole:  u.template(http.MethodPost, path, accept),
		stream: u.template(http.MethodPost, path, "text/event-stream"),
	}
}

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
	return newRequest(method, &target, header)
}

func newRequest(method string, target *url.URL, header http.Header) *http.Request {
	return &http.Request{
		Method: method, URL: target, Host: target.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

var errKind = errors.New("openai: the upstream has no such operation")

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	t := u.calls[c.Kind]
	if t == nil {
		return nil, errKind
	}
	template := t.whole
	if c.Stream {
		template = t.stream
	}
	body, contentType, err := payload(c)
	if err != nil {
		return nil, err
	}
	req := template.WithContext(ctx) // a shallow copy: headers are shared, and only read
	req.Header = withCallers(req.Header, c.Header)
	if contentType != "" {
		req.Header = maps.Clone(req.Header)
		req.Header["Content-Type"] = []string{contentType}
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	resp, err := u.do(req)
	if c.Stream && c.Kind == inference.Transcriptions && err == nil {
		return streamed(resp), nil
	}
	return resp, err
}

func (u *upstream) do(req *http.Request) (*http.Response, error) {
	resp, err := u.transport.RoundTrip(req)
	if err != nil {
		return nil, provider.SendError(req.Context(), err)
	}
	return resp, nil
}

// passed are the callers' headers that go out. Idempotency-Key is not among them: accounts are shared by tenants, and one
// could be given the answer to another's request.
var passed = [...]string{"Openai-Beta", "X-Client-Request-Id"}

func withCallers(own, callers http.Header) http.Header {
	if len(callers) == 0 {
		return own
	}
	out := own
	for _, name := range passed {
		values := callers[name]
		if len(values) == 0 || own[name] != nil {
			continue
		}
		if len(out) == len(own) {
			out = maps.Clone(own)
		}
		out[name] = values
	}
	return out
}

// maxList bounds what is read of a model list.
const maxList = 8 << 20

// Models asks for the upstream's models.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	resp, err := u.do(u.template(http.MethodGet, modelsPath, "application/json").WithContext(ctx))
	if err != nil {
		return nil, provider.Unreached(ctx)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxList))
	if resp.StatusCode != http.StatusOK {
		return nil, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	}
	ids, ok := wire.ParseModels(body)
	if err != nil || !ok {
		return nil, provider.Unreadable(provider.NoModels)
	}
	return ids, nil
}
