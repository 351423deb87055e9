package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/http1/http1test"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// house is an assembled installation that is served, with an administrator.
type house struct {
	*App

	t     *testing.T
	url   string
	admin string
}

// newHouse assembles an installation. change may set what is set before it opens.
func newHouse(t *testing.T, change ...func(*App)) *house {
	t.Helper()
	cfg := config.Default()
	cfg.Data, cfg.Log = t.TempDir(), config.Log{Level: "info", Format: "json"}
	cfg.Admin = config.Admin{Username: "admin", Password: secret.New("correct horse battery")}
	cfg.Simulation.TokensPerSecond = 1_000_000
	a := &App{
		cfg: cfg, version: "test", stderr: io.Discard, log: slog.New(slog.DiscardHandler), now: clock.System,
		reg: prometheus.NewRegistry(),
	}
	for _, f := range change {
		f(a)
	}
	a.upstreams = newUpstreams(a.cfg.Relay)
	if err := a.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler, err := a.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(context.Background()) })
	h := &house{App: a, t: t, url: "http://" + http1test.Start(t, handler)}
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	h.call("POST", "/api/v1/auth/login", "", map[string]any{"account": "admin", "password": "correct horse battery"}, &login, 200)
	h.admin = login.AccessToken
	return h
}

// safeLog is a log that is written and read at the same time.
type safeLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// lines returns the entries so far that have a message.
func (l *safeLog) lines(t *testing.T, message string) (out []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.buf.Bytes()) {
		var entry map[string]any
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		if entry["msg"] == message {
			out = append(out, entry)
		}
	}
	return out
}

// send makes a JSON request and returns the answer, read to its end.
func (h *house) send(method, path, token string, body any, header ...string) (*http.Response, []byte) {
	h.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, bytes.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp, out
}

// call makes a request whose answer must have a status.
func (h *house) call(method, path, token string, body, out any, status int) {
	h.t.Helper()
	resp, text := h.send(method, path, token, body)
	if resp.StatusCode != status {
		h.t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, text, status)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			h.t.Fatal(err)
		}
	}
}

// guest is a person with a key.
type guest struct {
	id  id.ID
	key string
}

// invite registers a person, with a balance in USD unless it is empty.
func (h *house) invite(name, balance string) guest {
	h.t.Helper()
	return h.inviteWith(name, balance, nil)
}

// inviteWith is invite with more members of the registration.
func (h *house) inviteWith(name, balance string, more map[string]any) guest {
	h.t.Helper()
	var registered struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			ID string `json:"gatewayUserId"`
		} `json:"user"`
	}
	body := map[string]any{"username": name, "email": name + "@example.org", "password": "a long password"}
	maps.Copy(body, more)
	h.call("POST", "/api/v1/auth/register", "", body, &registered, 201)
	user, err := id.Parse(registered.User.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	if balance != "" {
		h.call("PATCH", "/api/admin/users/"+registered.User.ID+"/wallet", h.admin, map[string]any{
			"balance": json.Number(balance), "currency": "USD", "reason": "test",
		}, nil, 200)
	}
	var key struct {
		Secret string `json:"secret"`
	}
	h.call("POST", "/api/v1/api-keys", registered.AccessToken, map[string]any{"name": "test"}, &key, 201)
	return guest{user, key.Secret}
}

// limit sets what limits a person.
func (h *house) limit(who guest, rate, quota string) {
	h.t.Helper()
	err := h.store.Limits().InTx(h.t.Context(), func(t tx.Tx) error {
		return h.store.Limits().UserPoliciesPut(h.t.Context(), t, who.id, json.RawMessage(rate), json.RawMessage(quota))
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.limiting.book.Forget(limits.Scope{Kind: limits.KindUser, ID: who.id})
}

// connect makes a fake upstream a platform with the named models, by type.
func (h *house) connect(models map[string]string) *fakeopenai.Server {
	h.t.Helper()
	fake, platform := h.fakePlatform("Fake", 0)
	for name, kind := range models {
		h.call("POST", "/api/admin/platforms/"+platform+"/models", h.admin, map[string]any{
			"modelAlias": name, "providerModelName": name, "modelType": []string{kind}, "enabled": true,
		}, nil, 201)
	}
	return fake
}

// fakePlatform makes a fake upstream a platform without models, and says its id. A priority of zero is the usual one.
func (h *house) fakePlatform(name string, priority int) (*fakeopenai.Server, string) {
	h.t.Helper()
	fake := fakeopenai.New(fakeopenai.Options{})
	server := httptest.NewServer(fake)
	h.t.Cleanup(server.Close)
	platform := map[string]any{
		"provider": "openai", "name": name, "platformKey": strings.ToLower(name), "baseUrl": server.URL + "/v1",
		"credentials": map[string]any{"apiKey": fakeopenai.DefaultKey},
	}
	if priority != 0 {
		platform["priority"] = priority
	}
	var made struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, platform, &made, 201)
	return fake, made.ID
}

func chat(model string, stream bool) map[string]any {
	return map[string]any{
		"model": model, "max_tokens": 20, "stream": stream, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
	}
}

// eachDatabase runs a test in a house on SQLite and in one on PostgreSQL.
func eachDatabase(t *testing.T, test func(*testing.T, *house), change ...func(*App)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, newHouse(t, change...)) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := pgtest.New(t)
		test(t, newHouse(t, append(change, func(a *App) { a.cfg.Database.URL = secret.New(url) })...))
	})
}
