// Package bearer is what adapters share whose upstream is a plain JSON API with a key as its bearer token, and which translate
// between its shapes and those of the OpenAI dialect.
package bearer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// AuthType is the one way to sign in.
const AuthType = "bearer"

// Account is an account that is ready for calls. It is safe for concurrent use.
type Account struct {
	transport http.RoundTripper
	base      *url.URL
	header    http.Header
	key       secret.String
}

// Open checks an account. Error: provider.ErrConfig with the path of the field.
func Open(a provider.Account, defaultBaseURL string) (*Account, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	if a.AuthType != "" && a.AuthType != AuthType {
		return nil, provider.FaultConfig("authType", "The auth type must be bearer.")
	}
	key := a.Credential["apiKey"]
	if key.IsZero() || strings.ContainsAny(key.Reveal(), " \t") || !provider.ValidHeader("Authorization", key.Reveal()) {
		return nil, provider.FaultConfig("credentials.apiKey", "An API key is required; it has no spaces or line breaks.")
	}
	header := http.Header{"User-Agent": {"gantry"}}
	if err := provider.AddHeaders(header, a.Headers); err != nil {
		return nil, err
	}
	header["Authorization"] = []string{"Bearer " + key.Reveal()}
	header["Accept"] = []string{"application/json"}
	header["Content-Type"] = []string{"application/json"}
	return &Account{transport: a.Transport, base: base, header: header, key: key}, nil
}

// Describe completes the description of an upstream that ranks and embeds, in the dialect of OpenAI, for a key.
func Describe(d provider.Description) provider.Description {
	d.AuthTypes = []string{AuthType}
	d.Dialects = map[inference.Kind]inference.Dialect{inference.Rerank: inference.OpenAI, inference.Embeddings: inference.OpenAI}
	d.Credential = Credential()
	return d
}

// Credential is the field of a form that asks for the key.
func Credential() []provider.Field {
	return []provider.Field{{
		Name: "apiKey", Type: "secret", Required: true, Label: Text("API key", "API 密钥"),
		Help: Text("The key of the upstream account.", "上游账号的密钥。"),
	}}
}

// Text is a text in the languages of forms.
func Text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Post sends a request. Errors are those of provider.SendError.
func (a *Account) Post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req := a.request(http.MethodPost, path, nil)
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	return a.do(req.WithContext(ctx))
}

// Get asks for something. Errors are those of provider.SendError.
func (a *Account) Get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return a.do(a.request(http.MethodGet, path, query).WithContext(ctx))
}

func (a *Account) request(method, path string, query url.Values) *http.Request {
	target := *a.base
	target.Path += path
	if target.RawPath != "" {
		target.RawPath += path
	}
	target.RawQuery = query.Encode()
	return &http.Request{
		Method: method, URL: &target, Host: target.Host, Header: a.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func (a *Account) do(req *http.Request) (*http.Response, error) {
	resp, err := a.transport.RoundTrip(req)
	if err != nil {
		return nil, provider.SendError(req.Context(), err)
	}
	return resp, nil
}

// Send makes one call, as a ranking or as embeddings. Errors: ErrKind, and those of the two.
func Send(ctx context.Context, c *provider.Call, rank, embed func(context.Context, *provider.Call) (*http.Response, error)) (*http.Response, error) {
	switch c.Kind {
	case inference.Rerank:
		return rank(ctx, c)
	case inference.Embeddings:
		return embed(ctx, c)
	default:
		return nil, ErrKind
	}
}

// Classify reads an error answer: a message, and what its status means.
func (a *Account) Classify(r *http.Response, body []byte) provider.Outcome {
	code, _, _, message := wire.ParseError(body)
	return a.Outcome(r, code, message)
}

// Outcome is an error answer of which the code and the message were read.
func (a *Account) Outcome(r *http.Response, code, message string) provider.Outcome {
	return provider.Outcome{
		Category: Category(r.StatusCode), Code: provider.CleanCode(code), Message: a.Scrub(message), RetryAfter: provider.RetryAfter(r.Header),
	}
}

// Translate makes the answer to a request one of the dialect: into is what it is read into, and write writes it, or reports that it
// is no answer. What is no success goes through as it is. resp and err are what the request returned.
func Translate(resp *http.Response, err error, into any, write func() ([]byte, bool)) (*http.Response, error) {
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	text, ok := Read(resp)
	if !ok {
		return resp, nil
	}
	if json.Unmarshal(text, into) == nil {
		if body, ok := write(); ok {
			Replace(resp, body)
			return resp, nil
		}
	}
	Spoil(resp)
	return resp, nil
}

// Scrub makes an upstream's message safe to show.
func (a *Account) Scrub(message string) string {
	return provider.Scrub(message, a.key.Reveal(), a.base.Host)
}

// MaxAnswer bounds what is read of an answer that is translated.
const MaxAnswer = 64 << 20

// Read reads an answer that is to be translated, and closes it. Where that fails the answer is left as a body that ends in the
// error, for whoever reads it next.
func Read(resp *http.Response) (body []byte, ok bool) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	_ = resp.Body.Close()
	if err == nil && len(body) > MaxAnswer {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return nil, false
	}
	Replace(resp, body)
	return body, true
}

// failing is where a body ended, and how.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Replace makes body what the answer says.
func Replace(resp *http.Response, body []byte) {
	resp.Header.Set("Content-Type", "application/json")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
}

// Spoil makes an answer that is none of the upstream's one that is none of the dialect's either, so that nobody takes it for one.
func Spoil(resp *http.Response) { Replace(resp, []byte("{}")) }

// Refuse is the answer to a request that the upstream cannot be asked: 400, in the shape of the dialect.
func Refuse(err error) *http.Response {
	refusal := wire.RequestError{Message: "The request cannot be read.", Code: wire.CodeInvalidJSON}
	if e, ok := errors.AsType[*wire.RequestError](err); ok {
		refusal = *e
	}
	resp := &http.Response{
		Status: http.StatusText(http.StatusBadRequest), StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{},
	}
	Replace(resp, refusal.Body())
	return resp
}

// Unsupported refuses a parameter that the upstream has no word for.
func Unsupported(param, message string) error {
	return &wire.RequestError{Message: message, Param: param, Code: "unsupported_parameter"}
}

// ErrKind says that an upstream has no such operation.
var ErrKind = errors.New("provider: the upstream has no such operation")

// Category is what a status means with upstreams that say no more.
func Category(status int) inference.Category { return provider.ByStatus(status, statuses) }

// statuses are those that these upstreams use in a way of their own. 498: Cohere's word for a token that is blocked or invalid.
var statuses = map[int]inference.Category{
	498: inference.Authentication, http.StatusPaymentRequired: inference.QuotaExhausted, http.StatusConflict: inference.Overloaded,
	http.StatusMethodNotAllowed: inference.Protocol,
}
