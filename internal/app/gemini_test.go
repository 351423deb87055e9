package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

// connectGemini makes a fake of Google's a platform with the named models, by type.
func (h *house) connectGemini(models map[string]string) *fakegemini.Server {
	h.t.Helper()
	fake := fakegemini.New(fakegemini.Options{Models: append([]string{"gemini-2.0-flash"}, fakegemini.DefaultModels...)})
	server := httptest.NewServer(fake)
	h.t.Cleanup(server.Close)
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "gemini", "name": "Fake", "platformKey": "fake-" + strings.ToLower(rand.Text()), "baseUrl": server.URL + "/v1beta",
		"credentials": map[string]any{"apiKey": fakegemini.DefaultKey},
	}, &p, 201)
	for name, kind := range models {
		alias, _, _ := strings.Cut(name, "=")
		h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
			"modelAlias": alias, "providerModelName": name[strings.IndexByte(name, '=')+1:], "modelType": []string{kind}, "enabled": true,
		}, nil, 201)
	}
	return fake
}

func said(text string) map[string]any {
	return map[string]any{"contents": []any{map[string]any{"role": "user", "parts": []any{map[string]any{"text": text}}}}}
}

// google makes a request as Google's SDKs do.
func (h *house) google(method, path, key string, body any, header ...string) (*http.Response, []byte) {
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
	if key != "" {
		req.Header.Set("X-Goog-Api-Key", key)
	}
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

// lastTask is the newest task of a person, once it is written.
func (h *house) lastTask(who guest) tasks.Task {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	list, err := h.store.Tasks().TaskList(h.t.Context(), tasks.Query{User: who.id, Page: page.Request{Page: 1, Size: 1}})
	if err != nil || len(list.Items) == 0 {
		h.t.Fatalf("%v, %v", list, err)
	}
	return list.Items[0]
}

func TestGeminiCallersAreServed(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		fake := h.connectGemini(map[string]string{"fast=gemini-2.5-flash": "chat", "deep:er=gemini-3-pro-preview": "chat", "gemini-embedding-001": "embedding"})
		ann := h.invite("ann", "10")
		resp, body := h.google("POST", "/v1beta/models/fast:generateContent", ann.key, said("a boat at night"))
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "You said: a boat at night") || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		last, _ := fake.Last()
		if last.Path != "/v1beta/models/gemini-2.5-flash:generateContent" || last.Header.Get("Authorization") != "" || !strings.Contains(string(last.Body), "maxOutputTokens") {
			t.Errorf("%s %v %s", last.Path, last.Header, last.Body)
		}
		if task := h.lastTask(ann); task.Status != tasks.Succeeded || task.Charged == 0 || task.Usage.Estimated || task.Usage.InputTokens() != 4 || task.Kind != "generate_content" {
			t.Errorf("%+v", task)
		}
		resp, body = h.google("POST", "/v1/models/deep:er:streamGenerateContent?alt=sse", ann.key, said("a boat"))
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || !strings.HasSuffix(string(body), "}\r\n\r\n") ||
			!strings.Contains(string(body), `"finishReason":"STOP"`) || strings.Contains(string(body), "[DONE]") {
			t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if task := h.lastTask(ann); task.Status != tasks.Succeeded || !task.Stream || task.Usage.Quantities[inference.TextReasoning] != 7 {
			t.Errorf("%+v", task)
		}
		resp, body = h.google("POST", "/v1beta/models/fast:streamGenerateContent", ann.key, said("a boat"))
		var list []map[string]any
		if err := json.Unmarshal(body, &list); err != nil || len(list) < 3 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s, %v", resp.Header.Get("Content-Type"), body, err)
		}
		resp, body = h.google("POST", "/v1beta/models/gemini-embedding-001:batchEmbedContents", ann.key, map[string]any{"requests": []any{map[string]any{
			"model": "models/gemini-embedding-001", "content": map[string]any{"parts": []any{map[string]any{"text": "hi"}}},
		}}})
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"embeddings"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		resp, body = h.google("POST", "/v1beta/models/fast:countTokens", ann.key, said("a boat at night"))
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"totalTokens"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
}

func TestGeminiErrorsAreGoogles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, model := range []string{
		"g=gemini-2.5-pro", "key=gemini-2.5-pro--key", "busy=gemini-2.5-pro--429", "day=gemini-2.5-pro--day", "bad=gemini-2.5-pro--400",
		"cut=gemini-2.5-flash--eof", "frame=gemini-2.5-flash--error_frame", "blocked=gemini-2.5-pro--blocked",
	} {
		h.connectGemini(map[string]string{model: "chat"}) // apart: what one did wrong is not held against others
	}
	ann, poor := h.invite("ann", "10"), h.invite("poor", "")
	for _, c := range []struct {
		name, path, key string
		body            any
		status          int
		word            string
	}{
		{"no key", "/v1beta/models/g:generateContent", "", said("x"), 401, "UNAUTHENTICATED"},
		{"unknown model", "/v1beta/models/nobody:generateContent", ann.key, said("x"), 404, "NOT_FOUND"},
		{"unknown verb", "/v1beta/models/g:predict", ann.key, said("x"), 404, "NOT_FOUND"},
		{"unknown path", "/v1beta/files", ann.key, said("x"), 404, "NOT_FOUND"},
		{"no contents", "/v1beta/models/g:generateContent", ann.key, map[string]any{}, 400, "INVALID_ARGUMENT"},
		{"no money", "/v1beta/models/g:generateContent", poor.key, said("x"), 402, "RESOURCE_EXHAUSTED"},
		{"the upstream refuses", "/v1beta/models/bad:generateContent", ann.key, said("x"), 400, "INVALID_ARGUMENT"},
		{"the upstream's key", "/v1beta/models/key:generateContent", ann.key, said("x"), 502, "UNAVAILABLE"},
		{"the upstream's day", "/v1beta/models/day:generateContent", ann.key, said("x"), 502, "UNAVAILABLE"},
		{"the upstream is limiting", "/v1beta/models/busy:generateContent", ann.key, said("x"), 429, "RESOURCE_EXHAUSTED"},
		{"async", "/v1beta/models/g:generateContent", ann.key, said("x"), 400, "INVALID_ARGUMENT"},
	} {
		header := []string{}
		if c.name == "async" {
			header = []string{"X-Async", "true"}
		}
		resp, body := h.google("POST", c.path, c.key, c.body, header...)
		var e struct {
			Error struct {
				Code    int    `json:"code"`
				Status  string `json:"status"`
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(body, &e); err != nil || resp.StatusCode != c.status || e.Error.Code != c.status || e.Error.Status != c.word || e.Error.Message == "" {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
		if strings.Contains(string(body), "AIza") || strings.Contains(string(body), "127.0.0.1") {
			t.Errorf("%s: shows the upstream: %s", c.name, body)
		}
	}
	for _, model := range []string{"cut", "frame"} {
		_, body := h.google("POST", "/v1beta/models/"+model+":streamGenerateContent?alt=sse", ann.key, said("x"))
		if !strings.Contains(string(body), `{"error":{"code":502`) {
			t.Errorf("%s: %s", model, body)
		}
	}
	if resp, body := h.google("POST", "/v1beta/models/blocked:generateContent", ann.key, said("x y")); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "PROHIBITED_CONTENT") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if task := h.lastTask(ann); task.Usage.InputTokens() != 2 || task.Usage.OutputTokens() != 0 || task.Charged == 0 {
		t.Errorf("a refused prompt: %+v", task)
	}
}

func TestKeysInTheQueryStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	log := &safeLog{}
	h := newHouse(t, func(a *App) { a.log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})) })
	fake := h.connectGemini(map[string]string{"g=gemini-2.5-pro": "chat", "gone=gemini-2.5-pro--cut": "chat"})
	ann := h.invite("ann", "10")
	for _, path := range []string{"/v1beta/models/g:generateContent?key=", "/v1beta/models/gone:generateContent?key=", "/v1beta/models/none:generateContent?key="} {
		resp, body := h.google("POST", path+ann.key, "", said("x"))
		if resp.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s: %s", path, body)
		}
	}
	if resp, body := h.google("GET", "/v1beta/models?pageSize=1&key="+ann.key, "", nil); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "nextPageToken") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := h.google("GET", "/v1beta/models?key="+ann.key, "sk-another", nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("two callers in one request: %d", resp.StatusCode)
	}
	if resp, _ := h.google("GET", "/v1beta/models?key="+ann.key, ann.key, nil, "Authorization", "Bearer "+ann.key); resp.StatusCode != http.StatusOK {
		t.Errorf("one caller named thrice: %d", resp.StatusCode)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if strings.Contains(log.buf.String(), ann.key) || log.buf.Len() == 0 {
		t.Errorf("the log holds the key, or nothing: %d bytes", log.buf.Len())
	}
	for _, r := range fake.Requests() {
		if strings.Contains(r.Path+r.Query, ann.key) {
			t.Error("the upstream was sent the caller's key")
		}
	}
}

func TestGeminiCallersWhoLeaveCancelTheUpstream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectGemini(map[string]string{"g=gemini-2.5-pro": "chat"})
	fake.Script(fakegemini.Step{Fault: "hang", After: 2})
	ann := h.invite("ann", "10")
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1beta/models/g:streamGenerateContent?alt=sse",
		strings.NewReader(`{"contents":[{"parts":[{"text":"a boat at night"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Goog-Api-Key", ann.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 30)); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	leave()
	if _, err := fake.Wait(t.Context(), func(all []fakegemini.Request) bool { return len(all) == 1 && all[0].Canceled }); err != nil {
		t.Fatal(err)
	}
}

func TestGeminiModelsAreListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectGemini(map[string]string{"vendor/g=gemini-2.5-pro": "chat", "gemini-embedding-001": "embedding"})
	ann := h.invite("ann", "1")
	resp, body := h.google("GET", "/v1beta/models", ann.key, nil)
	var list struct {
		Models []struct {
			Name    string   `json:"name"`
			Methods []string `json:"supportedGenerationMethods"`
		} `json:"models"`
	}
	if err := json.Unmarshal(body, &list); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	seen := map[string]string{}
	for _, m := range list.Models {
		seen[m.Name] = m.Methods[0]
	}
	if seen["models/vendor/g"] != "generateContent" || seen["models/gemini-embedding-001"] != "embedContent" {
		t.Errorf("%v", seen)
	}
	if resp, body := h.google("GET", "/v1beta/models/vendor/g", ann.key, nil); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"name":"models/vendor/g"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := h.google("GET", "/v1beta/models/"+id.New().String(), ann.key, nil); resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "NOT_FOUND") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestVertexIsReachedWithAServiceAccount: a token is fetched, and neither it nor the account shows anywhere.
func TestVertexIsReachedWithAServiceAccount(t *testing.T) {
	t.Parallel()
	log := &safeLog{}
	h := newHouse(t, func(a *App) { a.log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})) })
	account := fakegemini.NewAccount("acme-project")
	fake := fakegemini.New(fakegemini.Options{Account: account, Clock: h.now})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	account.Audience = server.URL + fakegemini.TokenPath
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": "vertex", "name": "Vertex", "platformKey": "vertex", "baseUrl": server.URL,
		"credentials": map[string]any{"serviceAccount": account.JSON("https://oauth2.googleapis.com/token")},
		"config":      map[string]any{"location": "europe-west1", "tokenUrl": account.Audience},
	}, &p, 201)
	for name, kind := range map[string]string{"gemini-2.5-pro": "chat", "gemini-embedding-001": "embedding"} {
		h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{
			"modelAlias": name, "providerModelName": name, "modelType": []string{kind}, "enabled": true,
		}, nil, 201)
	}
	ann := h.invite("ann", "10")
	resp, raw := h.google("POST", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", ann.key, said("a boat at night"))
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"finishReason":"STOP"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	resp, raw = h.google("POST", "/v1beta/models/gemini-embedding-001:embedContent", ann.key, map[string]any{"content": map[string]any{"parts": []any{map[string]any{"text": "two words"}}}})
	if task := h.lastTask(ann); resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"embedding":{"values":[`) || task.Usage.Estimated || task.Usage.InputTokens() != 2 {
		t.Errorf("%d %s, %+v", resp.StatusCode, raw, task.Usage)
	}
	if fake.Issued() != 1 {
		t.Errorf("%d tokens were issued", fake.Issued())
	}
	fake.Revoke()
	fake.RefuseTokens("invalid_grant")
	resp, raw = h.google("POST", "/v1beta/models/gemini-2.5-pro:generateContent", ann.key, said("x"))
	if resp.StatusCode != http.StatusBadGateway || strings.Contains(string(raw), "acme") {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, secret := range []string{"PRIVATE KEY", "ya29", account.Email} {
		if strings.Contains(log.buf.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}
