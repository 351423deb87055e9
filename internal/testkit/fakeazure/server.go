// Package fakeazure is an Azure OpenAI resource for tests: it checks keys, API versions and deployments as strictly as the
// real one, answers in its shapes, with the chunk of filter results that precedes a stream, and fails on request.
// Source: the provider sheet "azure-bedrock-vertex".
package fakeazure

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/tokendesk"
)

// Key and Token are what the resource accepts: the one as api-key, the other as a bearer token, as which
// it also takes those that it issued.
const (
	Key   = "0123456789abcdef0123456789abcdef"
	Token = "eyJhbGciOiJSUzI1NiJ9.entra.token"
)

// Deployments are those of the resource, with the model behind each.
var Deployments = map[string]string{
	"prod-4o-mini": "gpt-4o-mini", "long": "gpt-4.1", "thinking": "gpt-5-mini", "embed-small": "text-embedding-3-small", "paint": "gpt-image-1",
	"talk": "gpt-realtime",
}

// Versions are the API versions that the resource knows.
var Versions = []string{"2023-05-15", "2024-06-01", "2024-10-21", "2025-03-01-preview", "2025-04-01-preview"}

// firstWithUsage is the first version that knows stream_options.
const firstWithUsage = "2024-09-01-preview"

// Server is the fake. It is safe for concurrent use.
type Server struct {
	// Desk issues the tokens of the application.
	tokendesk.Desk
	// Now is what tokens are held against; nil is the machine's time.
	Now clock.Clock

	models *fakeopenai.Server

	mu   sync.Mutex
	seen []string
}

// New returns a fake.
func New() *Server {
	models := append([]string{"gpt-image-1"}, fakeopenai.DefaultModels...)
	return &Server{models: fakeopenai.New(fakeopenai.Options{Models: models})}
}

// Script makes the models behind the deployments answer in another way; steps name models, not deployments.
func (s *Server) Script(steps ...fakeopenai.Step) { s.models.Script(steps...) }

// Seen are the paths that were called, with their queries.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// ServeHTTP answers under /openai.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.URL.RequestURI())
	s.mu.Unlock()
	w.Header().Set("Apim-Request-Id", "11111111-2222-3333-4444-555555555555")
	w.Header().Set("X-Ms-Region", "East US")
	if s.realtime(w, r) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == TokenPath {
		s.issue(w, r, body)
		return
	}
	c, fault := s.read(r, body)
	if fault != nil {
		fault.write(w)
		return
	}
	if f := faults[c.fault]; f != nil {
		f.write(w)
		return
	}
	r.URL.Path, r.URL.RawQuery = "/v1"+c.operation, ""
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
	r.Header.Set("Authorization", "Bearer "+fakeopenai.DefaultKey)
	s.models.ServeHTTP(&filtered{ResponseWriter: w}, r)
}

// request is a checked request.
type request struct {
	operation  string // such as /chat/completions
	deployment string
	fault      string
	body       []byte
}

func (s *Server) read(r *http.Request, body []byte) (c request, fault *apiError) {
	if fault := s.authorize(r); fault != nil {
		return c, fault
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/openai")
	if !ok {
		return c, notFound
	}
	version := r.URL.Query().Get("api-version")
	if rest, isV1 := strings.CutPrefix(path, "/v1"); isV1 {
		if version != "" && version != "preview" && version != "v1" {
			return c, badVersion
		}
		c.operation, c.deployment = rest, modelOf(r, body)
		return c.resolve(r, body)
	}
	if !slices.Contains(Versions, version) {
		return c, badVersion
	}
	if path == "/responses" {
		if version < "2025-03-01-preview" {
			return c, badVersion
		}
		c.operation, c.deployment = path, modelOf(r, body)
		return c.resolve(r, body)
	}
	rest, ok := strings.CutPrefix(path, "/deployments/")
	if !ok {
		return c, notFound
	}
	c.deployment, c.operation, _ = strings.Cut(rest, "/")
	c.operation = "/" + c.operation
	if version < firstWithUsage && bytes.Contains(body, []byte(`"stream_options"`)) {
		return c, &apiError{400, "BadRequest", "Unrecognized request argument supplied: stream_options", nil}
	}
	return c.resolve(r, body)
}

// resolve puts the deployment's model into the body; what the body says of a model does not count.
func (c request) resolve(r *http.Request, body []byte) (request, *apiError) {
	name, fault, _ := strings.Cut(c.deployment, "--")
	model, ok := Deployments[name]
	if !ok {
		return c, noDeployment
	}
	c.fault = fault
	if faults[fault] == nil && fault != "" {
		model += "--" + fault // one of the faults of streams
	}
	c.body = body
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		c.body = bytes.ReplaceAll(body, []byte("\r\n\r\n"+c.deployment+"\r\n"), []byte("\r\n\r\n"+model+"\r\n"))
		return c, nil
	}
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return c, &apiError{400, "BadRequest", "The request body is not valid JSON.", nil}
	}
	members["model"] = model
	c.body = marshal(members)
	return c, nil
}

func modelOf(r *http.Request, body []byte) string {
	var named struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(body, &named) // a form names it elsewhere
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		_, rest, _ := bytes.Cut(body, []byte("name=\"model\"\r\n\r\n"))
		model, _, _ := bytes.Cut(rest, []byte("\r\n"))
		return string(model)
	}
	return named.Model
}

func (s *Server) authorize(r *http.Request) *apiError {
	key, bearer := r.Header.Get("Api-Key"), r.Header.Get("Authorization")
	token, isToken := strings.CutPrefix(bearer, "Bearer ")
	switch {
	case key == Key && bearer == "", key == "" && token == Token, key == "" && isToken && s.Valid(token, s.now()):
		return nil
	}
	return wrongKey
}
