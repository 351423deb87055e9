package app

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	_ "image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// bills returns the lines of the newest task of a caller, as resource, quantity and amount, once it is written down.
func (h *house) bills(key string) (lines []string, currency string) {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	h.call("GET", "/api/v1/tasks?pageSize=1", key, nil, &list, 200)
	var task struct {
		Billings []struct {
			Resource string      `json:"resource"`
			Currency string      `json:"currency"`
			Amount   json.Number `json:"amount"`
			Quantity json.Number `json:"quantity"`
		} `json:"billings"`
	}
	h.call("GET", "/api/v1/tasks/"+list.Items[0].ID, key, nil, &task, 200)
	for _, b := range task.Billings {
		lines, currency = append(lines, b.Resource+" "+b.Quantity.String()+" "+b.Amount.String()), b.Currency
	}
	return lines, currency
}

type pictures struct {
	Data []struct {
		URL string `json:"url"`
		B64 string `json:"b64_json"`
	} `json:"data"`
}

func TestImagesAreMadeKeptAndBilled(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		var inline pictures
		h.call("POST", "/v1/images/generations", ada.key, map[string]any{"model": "sim-image", "prompt": "a boat", "n": 3, "size": "64x64", "future": 1}, &inline, 200)
		if len(inline.Data) != 3 {
			t.Fatalf("%d pictures", len(inline.Data))
		}
		raw, err := base64.StdEncoding.DecodeString(inline.Data[0].B64)
		if err != nil {
			t.Fatal(err)
		}
		if img, kind, err := image.Decode(bytes.NewReader(raw)); err != nil || kind != "png" || img.Bounds().Dx() != 64 {
			t.Errorf("%s, %v", kind, err)
		}
		if lines, currency := h.bills(ada.key); strings.Join(lines, ";") != "image 3 0.12" || currency != "SIM" {
			t.Errorf("billed %v in %s", lines, currency)
		}
		var linked pictures
		h.call("POST", "/images/generations", ada.key, map[string]any{"model": "sim-image", "prompt": "a boat", "size": "64x64", "response_format": "url"}, &linked, 200)
		if len(linked.Data) != 1 || !strings.HasPrefix(linked.Data[0].URL, h.url+"/api/files/") {
			t.Fatalf("got %+v", linked)
		}
		resp, kept := h.send("GET", strings.TrimPrefix(linked.Data[0].URL, h.url), "", nil)
		if resp.StatusCode != http.StatusOK || !bytes.Equal(kept, raw) || resp.Header.Get("Content-Type") != "image/png" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("status %d, %d bytes, %v", resp.StatusCode, len(kept), resp.Header)
		}
		if resp, text := h.send("GET", strings.TrimPrefix(linked.Data[0].URL, h.url)+"0", "", nil); resp.StatusCode != http.StatusForbidden || !strings.Contains(string(text), `"link_invalid"`) {
			t.Errorf("a changed link: %d %s", resp.StatusCode, text)
		}
	})
}

// form sends a form with a picture.
func (h *house) form(path, key string, picture []byte, fields map[string]string) (int, []byte) {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	part, err := w.CreateFormFile("image", "a.png")
	if err != nil {
		h.t.Fatal(err)
	}
	_, _ = part.Write(picture)
	_ = w.Close()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, &b)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, text
}

func TestEditsComeAsFormsOrJSON(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		status, text := h.form("/v1/images/edits", ada.key, fakeopenai.Pixel, map[string]string{"model": "sim-image", "prompt": "at night", "size": "32x32", "n": "2"})
		var got pictures
		if err := json.Unmarshal(text, &got); status != 200 || err != nil || len(got.Data) != 2 {
			t.Fatalf("%d %.200s", status, text)
		}
		if lines, _ := h.bills(ada.key); strings.Join(lines, ";") != "image 2 0.08" {
			t.Errorf("billed %v", lines)
		}
		var same pictures
		h.call("POST", "/images/edits", ada.key, map[string]any{
			"model": "sim-image", "prompt": "at night", "size": "32x32", "n": 2,
			"images": []any{map[string]string{"image_url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(fakeopenai.Pixel)}},
		}, &same, 200)
		if len(same.Data) != 2 || same.Data[1] != got.Data[1] {
			t.Error("a form and JSON that say the same gave different pictures")
		}
		if status, text := h.form("/v1/images/edits", ada.key, []byte("<svg/>"), map[string]string{"model": "sim-image", "prompt": "x"}); status != 400 || !strings.Contains(string(text), `"file_type_not_allowed"`) {
			t.Errorf("%d %s", status, text)
		}
		if resp, text := h.send("POST", "/v1/images/edits", ada.key, "x", "Content-Type", "multipart/form-data"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"malformed_request"`) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		if resp, _ := h.send("POST", "/v1/images/generations", ada.key, "x", "Content-Type", "multipart/form-data; boundary=b"); resp.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("a form where none is taken: %d", resp.StatusCode)
		}
	})
}

func TestResponsesAreServed(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		ask := map[string]any{"model": "sim-chat", "input": "hello", "reasoning": map[string]string{"effort": "minimal"}}
		var whole struct {
			Status string `json:"status"`
			Usage  struct {
				Input  int64 `json:"input_tokens"`
				Output int64 `json:"output_tokens"`
			} `json:"usage"`
		}
		h.call("POST", "/responses", ada.key, ask, &whole, 200)
		lines, _ := h.bills(ada.key)
		if whole.Status != "completed" || whole.Usage.Output == 0 || len(lines) != 3 || !strings.HasPrefix(lines[2], "text_reasoning 0.000008 ") {
			t.Errorf("%+v, billed %v", whole, lines)
		}
		ask["stream"] = true
		resp, text := h.send("POST", "/v1/responses", ada.key, ask)
		names := eventNames(string(text))
		if resp.StatusCode != http.StatusOK || len(names) < 10 || names[0] != "response.created" || names[len(names)-1] != "response.completed" {
			t.Errorf("%d, %v", resp.StatusCode, names)
		}
		if again, _ := h.bills(ada.key); strings.Join(again, ";") != strings.Join(lines, ";") {
			t.Errorf("streamed it costs %v, whole %v", again, lines)
		}
		resp, text = h.send("POST", "/v1/responses", ada.key, ask, "X-Simulation", "fault=cut;after=4")
		if names := eventNames(string(text)); resp.StatusCode != http.StatusOK || names[len(names)-1] != "error" || !strings.Contains(string(text), `"code":"upstream_bad_response"`) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		resp, first := h.send("POST", "/v1/responses", ada.key, ask, "Idempotency-Key", "k1")
		again, second := h.send("POST", "/v1/responses", ada.key, ask, "Idempotency-Key", "k1")
		if resp.StatusCode != http.StatusOK || again.Header.Get("Idempotent-Replayed") == "" || !bytes.Equal(first, second) || !strings.Contains(string(first), "response.completed") {
			t.Errorf("a repeat gave %s", second)
		}
	})
}

func eventNames(stream string) (out []string) {
	for lines := bufio.NewScanner(strings.NewReader(stream)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			out = append(out, name)
		}
	}
	return out
}

// TestMediaErrors asks each operation for each of its documented errors.
func TestMediaErrors(t *testing.T) {
	t.Parallel()
	var clocks sync.Map // one for each house
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		found, _ := clocks.Load(h.App)
		now, ok := found.(*clock.Manual)
		if !ok {
			t.Fatal("the house has no clock")
		}
		ada, poor := h.invite("ada", ""), h.invite("poor", "")
		h.call("PATCH", "/api/admin/users/"+poor.id.String()+"/wallet", h.admin, map[string]any{"balance": 0, "currency": "SIM", "reason": "test"}, nil, 200)
		slow := h.invite("slow", "")
		h.limit(slow, `{"rpm":1}`, "")
		picture := "data:image/png;base64," + base64.StdEncoding.EncodeToString(fakeopenai.Pixel)
		for path, body := range map[string]map[string]any{
			"/v1/images/generations": {"model": "sim-image", "prompt": "x", "size": "32x32"},
			"/v1/images/edits":       {"model": "sim-image", "prompt": "x", "size": "32x32", "image": picture},
			"/v1/responses":          {"model": "sim-chat", "input": "x"},
		} {
			with := func(name string, value any) map[string]any {
				out := map[string]any{name: value}
				for k, v := range body {
					if k != name {
						out[k] = v
					}
				}
				return out
			}
			for _, c := range []struct {
				key    string
				body   map[string]any
				fault  string
				status int
				code   string
			}{
				{ada.key, with("stream", "yes"), "", 400, "invalid_parameter"},
				{ada.key, body, "fault=content_policy", 400, "content_policy_violation"},
				{"sk-nobody", body, "", 401, "invalid_api_key"},
				{poor.key, body, "", 402, "insufficient_balance"},
				{h.scoped(ada, "embeddings"), body, "", 403, "insufficient_scope"},
				{ada.key, with("model", "no-such-model"), "", 404, "model_not_found"},
				{ada.key, with("model", "sim-embed"), "", 404, "model_not_found"},
				{slow.key, body, "", 429, "rate_limit"},
				{ada.key, body, "fault=429", 429, "rate_limit"},
				{ada.key, body, "fault=500", 502, "upstream_error"},
				{ada.key, body, "fault=malformed", 502, "upstream_bad_response"},
			} {
				if c.key == slow.key {
					h.send("POST", path, slow.key, body) // uses up the minute
				}
				resp, text := h.send("POST", path, c.key, c.body, "X-Simulation", c.fault)
				now.Advance(time.Hour) // so that the platform has come back from what it was seen to do
				var got struct {
					Error struct {
						Message string `json:"message"`
						Type    string `json:"type"`
						Code    string `json:"code"`
					} `json:"error"`
				}
				if err := json.Unmarshal(text, &got); err != nil || resp.StatusCode != c.status || got.Error.Code != c.code || got.Error.Message == "" || got.Error.Type == "" {
					t.Errorf("%s %q: %d %s, want %d %s", path, c.fault, resp.StatusCode, text, c.status, c.code)
				}
			}
		}
		if open, units := h.book.Holds(); open != 0 || units != 0 {
			t.Errorf("%d holds of %v are open", open, units)
		}
	}, func(a *App) {
		now := clock.NewManual(time.Now())
		clocks.Store(a, now)
		a.now = now.Now
	})
}

// scoped makes a key of a guest's that may do one thing alone.
func (h *house) scoped(who guest, scope string) string {
	h.t.Helper()
	var key struct {
		Secret string `json:"secret"`
	}
	h.call("POST", "/api/v1/api-keys", who.key, map[string]any{"name": scope, "scopes": []string{scope}}, &key, 201)
	return key.Secret
}

func TestImagesOfARealUpstreamAreBilledByTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connect(map[string]string{})
	var platforms struct {
		Items []struct{ ID, Name string } `json:"items"`
	}
	h.call("GET", "/api/admin/platforms", h.admin, nil, &platforms, 200)
	for _, p := range platforms.Items {
		if p.Name == "Fake" {
			h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, map[string]any{"canonicalModelKey": "openai/" + fakeopenai.ImageModel}, nil, 201)
		}
	}
	eve := h.invite("eve", "5")
	var got pictures
	h.call("POST", "/v1/images/generations", eve.key, map[string]any{"model": fakeopenai.ImageModel, "prompt": "x", "n": 2, "response_format": "url"}, &got, 200)
	if len(got.Data) != 2 || !strings.HasPrefix(got.Data[0].URL, h.url+"/api/files/") || got.Data[0].B64 != "" {
		t.Errorf("got %+v", got)
	}
	// 10 × 5 + 40 × 10 + 544 × 40, by the million.
	lines, currency := h.bills(eve.key)
	if strings.Join(lines, ";") != "text_input 0.00001 0.00005;image_input 0.00004 0.0004;image_output 0.000544 0.02176" || currency != "USD" {
		t.Errorf("billed %v in %s", lines, currency)
	}
	if status, text := h.form("/v1/images/edits", eve.key, fakeopenai.Pixel, map[string]string{"model": fakeopenai.ImageModel, "prompt": "x"}); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if n := len(fake.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestFilesEnd(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(time.Now())
	h := newHouse(t, func(a *App) {
		a.now = now.Now
		a.cfg.Media.Retention = 2 * time.Hour
	})
	ada := h.invite("ada", "")
	var got pictures
	h.call("POST", "/v1/images/generations", ada.key, map[string]any{"model": "sim-image", "prompt": "x", "size": "32x32", "response_format": "url"}, &got, 200)
	path := strings.TrimPrefix(got.Data[0].URL, h.url)
	now.Advance(90 * time.Minute)
	if resp, _ := h.send("GET", path, "", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d before its time", resp.StatusCode)
	}
	now.Advance(time.Hour)
	if resp, text := h.send("GET", path, "", nil); resp.StatusCode != http.StatusForbidden || !strings.Contains(string(text), "link_expired") {
		t.Errorf("%d %s after it", resp.StatusCode, text)
	}
	if n, err := h.media.library.Tidy(t.Context()); n != 1 || err != nil {
		t.Errorf("%d files tidied, %v", n, err)
	}
}
