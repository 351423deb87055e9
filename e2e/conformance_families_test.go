package e2e

import (
	"bytes"
	"cmp"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// conformanceFamily is one kind of upstream with a platform of its own.
type conformanceFamily struct {
	title string
	// plain, sees and reasons are the names of its models: an ordinary one, one that sees pictures, one that reasons.
	plain, sees, reasons string
	// shows says that the reasoning model shows what it has thought; others only tell how much.
	shows bool

	ears *ears
}

func (f *conformanceFamily) model(scenario string) string {
	switch scenario {
	case "vision":
		return f.sees
	case "reasoning":
		return f.reasons
	}
	return f.plain
}

// heard reports whether the upstream was told something.
func (f *conformanceFamily) heard(what string) bool { return f.ears == nil || f.ears.heard(what) }

// ears stand between Gantry and a fake: they note what it is told, and make it slow where the conversation is about leaving.
type ears struct {
	http.Handler

	atOnce int
	mu     sync.Mutex
	told   []string
}

func (e *ears) heard(what string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.told {
		if strings.Contains(t, what) {
			return true
		}
	}
	return false
}

// ServeHTTP implements http.Handler.
func (e *ears) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	e.told = append(e.told, string(body))
	e.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte("Count slowly")) {
		w = &slowly{ResponseWriter: w, request: r, atOnce: e.atOnce}
	}
	e.Handler.ServeHTTP(w, r)
}

// slowly sends the first pieces of an answer at once and the rest when nobody waits for it any more.
type slowly struct {
	http.ResponseWriter

	request *http.Request
	atOnce  int
	pieces  int
}

// usualPieces are so many that a few of the text are among them, in protocols whose streams begin with other things.
const usualPieces = 7

// Write implements io.Writer.
func (s *slowly) Write(p []byte) (int, error) {
	whole := !strings.Contains(s.Header().Get("Content-Type"), "stream")
	if whole || s.pieces >= s.atOnce {
		select {
		case <-s.request.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}
	return s.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (s *slowly) Flush() {
	s.pieces++
	if f, ok := s.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// conformanceFamilies connects a platform of each family.
func conformanceFamilies(t *testing.T, in *installation) []*conformanceFamily {
	t.Helper()
	return []*conformanceFamily{
		in.family(t, familyOptions{
			title: "OpenAI chat completions", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
			credentials: map[string]any{"apiKey": fakeopenai.DefaultKey}, types: []string{"chat"},
			config: map[string]any{"maxTokensParam": "max_completion_tokens"}, plain: "gpt-4o-mini", sees: "gpt-4o-mini", reasons: "o4-mini",
		}),
		in.family(t, familyOptions{
			title: "Anthropic", provider: "anthropic", fake: fakeanthropic.New(fakeanthropic.Options{}),
			credentials: map[string]any{"apiKey": fakeanthropic.DefaultKey}, types: []string{"chat"},
			plain: "claude-haiku-4-5", sees: "claude-haiku-4-5", reasons: "claude-sonnet-4-5", shows: true,
		}),
		in.family(t, familyOptions{
			title: "Gemini", provider: "gemini", path: "/v1beta", fake: fakegemini.New(fakegemini.Options{}),
			credentials: map[string]any{"apiKey": fakegemini.DefaultKey}, types: []string{"chat"},
			plain: "gemini-2.5-flash", sees: "gemini-2.5-flash", reasons: "gemini-2.5-pro", shows: true, atOnce: 2,
		}),
		in.family(t, familyOptions{
			title: "OpenAI responses", provider: "openai", path: "/v1", fake: fakeopenai.New(fakeopenai.Options{}),
			credentials: map[string]any{"apiKey": fakeopenai.DefaultKey}, types: []string{"responses"},
			plain: "gpt-4o-mini", sees: "gpt-4o-mini", reasons: "o4-mini", shows: true,
		}),
	}
}

// familyOptions describe a family.
type familyOptions struct {
	title, provider, path string
	fake                  http.Handler
	credentials, config   map[string]any
	types                 []string
	plain, sees, reasons  string // the upstream's names of the models
	shows                 bool
	atOnce                int // pieces of a stream that are sent before a pause; 0 is usualPieces
}

// family starts the fake and makes it a platform, whose models have the family's name in theirs.
func (in *installation) family(t *testing.T, o familyOptions) *conformanceFamily {
	t.Helper()
	f := &conformanceFamily{title: o.title, shows: o.shows, ears: &ears{Handler: o.fake, atOnce: cmp.Or(o.atOnce, usualPieces)}}
	server := httptest.NewServer(f.ears)
	t.Cleanup(server.Close)
	var p struct {
		ID string `json:"id"`
	}
	platform := map[string]any{"provider": o.provider, "name": o.title, "baseUrl": server.URL + o.path, "credentials": o.credentials}
	if o.config != nil {
		platform["config"] = o.config
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, platform, &p, 201)
	alias := func(name string) string { return strings.ReplaceAll(strings.ToLower(o.title), " ", "-") + "." + name }
	for name := range maps.Keys(map[string]bool{o.plain: true, o.sees: true, o.reasons: true}) {
		in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
			"modelAlias": alias(name), "providerModelName": name, "modelType": o.types, "enabled": true,
		}, nil, 201)
	}
	f.plain, f.sees, f.reasons = alias(o.plain), alias(o.sees), alias(o.reasons)
	return f
}

func keysOf(m map[string]string) iter.Seq[string] { return maps.Keys(m) }
