// Package fakegemini is the Gemini API and Vertex AI for tests: it checks what it is sent as strictly as the real ones, answers
// in their shapes, fails on request, and remembers what it was asked. Source: the provider sheet "gemini".
package fakegemini

import (
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/record"
	"github.com/gantry-ai/gantry/internal/testkit/tokendesk"
)

// DefaultKey is the API key that a server without others accepts.
const DefaultKey = "AIzaFake0123456789abcdefghijklmnopqrstu"

// DefaultModels are the models of a server without others. Those of the third generation sign their thoughts and want the
// signatures back.
var DefaultModels = []string{"gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-embedding-001"}

// Options say what a server accepts. The zero value has the defaults.
type Options struct {
	Keys   []string
	Models []string
	// Account is the service account that Vertex knows; nil: nobody signs in.
	Account *Account
	// Clock is what the times of tokens are held against; nil is the machine's.
	Clock clock.Clock
}

// Request is a request that was received, in full.
type Request = record.Request

// Server is the fake. It is safe for concurrent use.
type Server struct {
	*record.Log[Step]

	options Options

	desk tokendesk.Desk
	// anthropic is Claude, as Vertex has it.
	anthropic *fakeanthropic.Server
}

// New returns a fake.
func New(o Options) *Server {
	if len(o.Keys) == 0 {
		o.Keys = []string{DefaultKey}
	}
	if len(o.Models) == 0 {
		o.Models = DefaultModels
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	return &Server{options: o, Log: record.NewLog[Step](), anthropic: fakeanthropic.New(fakeanthropic.Options{})}
}

// maxBody is more than any test sends.
const maxBody = 64 << 20

// ServeHTTP answers for the Gemini API under /v1 and /v1beta, for Vertex under /v1/projects, and for the token endpoint.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	e := &exchange{Exchange: s.NewExchange(w, r, s.record(r, body)), server: s, body: body}
	defer e.Close()
	if r.URL.Path == TokenPath {
		s.issue(e)
		return
	}
	if fault := e.route(); fault != nil {
		fault.write(e)
	}
}

// route takes the address apart and serves what it names.
func (e *exchange) route() *apiError {
	path := e.R.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v1/projects/"); ok {
		return e.vertex(rest)
	}
	for _, version := range [...]string{"/v1beta/models", "/v1/models"} {
		rest, ok := strings.CutPrefix(path, version)
		if !ok {
			continue
		}
		if fault := e.authorizeKey(); fault != nil {
			return fault
		}
		if e.R.Method == http.MethodGet {
			return e.listing(strings.TrimPrefix(rest, "/"))
		}
		return e.act(strings.TrimPrefix(rest, "/"))
	}
	return notFound("The requested URL was not found on this server.")
}

// act serves model:action.
func (e *exchange) act(name string) *apiError {
	at := strings.LastIndexByte(name, ':')
	if e.R.Method != http.MethodPost || at < 0 {
		return notFound("The requested URL was not found on this server.")
	}
	model, action := name[:at], name[at+1:]
	e.server.Update(func() { e.Rec.Model, e.Rec.Action = model, action })
	e.step = e.server.step(model)
	e.model, _ = splitModel(model)
	if !slices.Contains(e.server.options.Models, e.model) {
		return notFound("models/" + e.model + " is not found for API version v1beta, or is not supported for " + action + ".")
	}
	switch action {
	case "generateContent", "streamGenerateContent":
		return e.generate(action == "streamGenerateContent")
	case "countTokens":
		return e.countTokens()
	case "embedContent", "batchEmbedContents":
		return e.embed(action == "batchEmbedContents")
	case "predict":
		return e.predict()
	}
	return notFound("Method not found.")
}

func (e *exchange) authorizeKey() *apiError {
	key := e.R.Header.Get("X-Goog-Api-Key")
	if query := e.R.URL.Query().Get("key"); key == "" {
		key = query
	} else if query != "" && query != key {
		return &apiError{Code: 400, Status: "INVALID_ARGUMENT", Message: "Multiple authentication credentials received."}
	}
	switch {
	case key == "":
		return &apiError{Code: 403, Status: "PERMISSION_DENIED", Message: "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."}
	case !slices.Contains(e.server.options.Keys, key):
		return faultErrors["key"]
	}
	return nil
}

// exchange is one request on its way to an answer.
type exchange struct {
	record.Exchange

	server  *Server
	body    []byte
	model   string // without its fault
	step    Step
	isCloud bool // it is Vertex
}
