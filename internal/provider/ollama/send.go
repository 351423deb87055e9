package ollama

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

var errKind = errors.New("ollama: the upstream has no such operation")

// Send makes one call. Errors are those of provider.SendError.
func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	switch c.Kind {
	case inference.Chat:
		return u.chat(ctx, c)
	case inference.Embeddings:
		return u.openai.Send(ctx, c)
	default:
		return nil, errKind
	}
}

func (u *upstream) chat(ctx context.Context, c *provider.Call) (*http.Response, error) {
	body, err := u.edit.apply(c.Body)
	if err != nil {
		return nil, err
	}
	resp, err := u.do(u.request(http.MethodPost, "/api/chat", body).WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if c.Stream && resp.StatusCode == http.StatusOK && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/") {
		resp.Header.Set("Content-Type", "text/event-stream")
		resp.ContentLength = -1
		resp.Body = newLines(resp.Body)
	}
	return resp, nil
}

func (u *upstream) request(method, path string, body []byte) *http.Request {
	target := *u.base
	target.Path += path
	if target.RawPath != "" {
		target.RawPath += path
	}
	r := &http.Request{
		Method: method, URL: &target, Host: target.Host, Header: u.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	r.Body, _ = r.GetBody()
	return r
}

func (u *upstream) do(r *http.Request) (*http.Response, error) {
	resp, err := u.transport.RoundTrip(r)
	if err != nil {
		return nil, provider.SendError(r.Context(), err)
	}
	return resp, nil
}

// maxList bounds what is read of a list of models.
const maxList = 8 << 20

// Models names the models that the server has.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	resp, err := u.do(u.request(http.MethodGet, "/api/tags", nil).WithContext(ctx))
	if err != nil {
		return nil, provider.Unreached(ctx)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxList))
	if resp.StatusCode != http.StatusOK {
		return nil, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	}
	names, ok := modelsIn(body)
	if err != nil || !ok {
		return nil, provider.Unreadable(provider.NoModels)
	}
	return names, nil
}

// said are parts of messages, in lower case, that say more than the status: Ollama has no codes.
var said = []struct {
	part string
	is   inference.Category
}{
	{"context length", inference.ContextLength},
	{"does not support", inference.InvalidRequest},
	{"server busy", inference.Overloaded},
	{"requires more system memory", inference.Overloaded},
	{"not found", inference.NotFound},
}

// Classify reads an error answer.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	o := u.openai.Classify(r, body)
	message := strings.ToLower(o.Message)
	for _, s := range said {
		if strings.Contains(message, s.part) {
			o.Category = s.is
			break
		}
	}
	return o
}
