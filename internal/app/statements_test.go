package app

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// statements keeps what the database was asked.
type statements struct {
	mu  sync.Mutex
	all []string
}

func (s *statements) watch(_ context.Context, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, text)
}

// drain returns what was asked since the last time.
func (s *statements) drain() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.all
	s.all = nil
	return out
}

// TestNoDatabaseOnThePath: once what a call needs is in memory, nothing that becomes of a call asks the database anything.
// While the calls are made, the one connection that writes is held, so that what they leave behind cannot be written
// either: whatever is asked then is asked on the path of a request.
func TestNoDatabaseOnThePath(t *testing.T) {
	t.Parallel()
	var seen statements
	h := newHouse(t, func(a *App) { a.watch = seen.watch })
	h.connect(map[string]string{"gpt-4o-mini": "chat", "text-embedding-3-small": "embedding"})
	rich, poor, slow, bound := h.invite("rich", "100"), h.invite("poor", "0"), h.invite("slow", "100"), h.invite("bound", "100")
	h.limit(rich, `{"rpm":1000000,"tpm":1000000000,"concurrent":1000}`, `{"currency":"USD","day":"50","month":"90"}`)
	h.limit(slow, `{"rpd":1}`, "")
	h.limit(bound, "", `{"currency":"USD","total":"0.000000001"}`)
	calls := []struct {
		name   string
		key    string
		path   string
		body   any
		status int
		code   string
	}{
		{"buffered", rich.key, "/v1/chat/completions", chat("gpt-4o-mini", false), 200, ""},
		{"streamed", rich.key, "/v1/chat/completions", chat("gpt-4o-mini", true), 200, ""},
		{"simulated", rich.key, "/v1/chat/completions", chat("sim-chat", false), 200, ""},
		{"embeddings", rich.key, "/v1/embeddings", map[string]any{"model": "text-embedding-3-small", "input": "hi"}, 200, ""},
		{"balance", poor.key, "/v1/chat/completions", chat("gpt-4o-mini", false), 402, "insufficient"},
		{"rate limit", slow.key, "/v1/chat/completions", chat("gpt-4o-mini", false), 429, "rate_limit"},
		{"quota", bound.key, "/v1/chat/completions", chat("gpt-4o-mini", false), 402, "quota_exceeded"},
		{"no such model", rich.key, "/v1/chat/completions", chat("nothing", false), 404, "model_not_found"},
		{"no such key", "sk-0123456789abcdef0123456789ab_x", "/v1/chat/completions", chat("gpt-4o-mini", false), 401, "invalid_api_key"},
	}
	h.call("POST", "/v1/chat/completions", slow.key, chat("gpt-4o-mini", false), nil, 200) // its one call of the day
	for _, c := range calls {
		h.send("POST", c.path, c.key, c.body) // loads what it needs
	}
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(seen.drain()) == 0 {
		t.Fatal("nobody watches the database")
	}
	err := h.store.Settings().InTx(t.Context(), func(tx.Tx) error {
		seen.drain() // the transaction's own
		for range 20 {
			for _, c := range calls {
				resp, text := h.send("POST", c.path, c.key, c.body)
				if resp.StatusCode != c.status || !strings.Contains(string(text), c.code) {
					t.Errorf("%s: %d %s, want %d %s", c.name, resp.StatusCode, text, c.status, c.code)
				}
				if asked := seen.drain(); len(asked) > 0 {
					t.Errorf("%s asks the database: %q", c.name, asked)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What watches does watch, and the applier writes by the batch and not by the call.
	if n := len(seen.drain()); n == 0 || n > 20*len(calls) {
		t.Errorf("%d statements wrote down %d calls", n, 20*len(calls))
	}
}
