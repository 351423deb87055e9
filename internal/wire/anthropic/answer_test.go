package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// The lines of a bill add up to what the provider counts: input, cache writes, cache reads and output.
func TestUsageAddsUpToTheProvidersTotal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usage                              string
		input, cached, short, long, output int64
		searches                           int64
	}{
		{`{"input_tokens":14,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5,"service_tier":"standard"}`, 14, 0, 0, 0, 5, 0},
		{`{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":100000,"output_tokens":503,` +
			`"cache_creation":{"ephemeral_5m_input_tokens":148,"ephemeral_1h_input_tokens":100}}`, 50, 100_000, 148, 100, 503, 0},
		{`{"input_tokens":3,"cache_creation_input_tokens":2000,"cache_read_input_tokens":null,"output_tokens":9}`, 3, 0, 2000, 0, 9, 0},
		{`{"input_tokens":3,"cache_creation_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":9}`, 3, 0, 2000, 0, 9, 0},
		{`{"input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":2},"output_tokens":9}`, 3, 0, 1, 2, 9, 0},
		{`{"input_tokens":105,"output_tokens":6039,"server_tool_use":{"web_search_requests":4,"web_fetch_requests":1}}`, 105, 0, 0, 0, 6039, 4},
		{`{"input_tokens":0,"cache_read_input_tokens":77,"output_tokens":0}`, 0, 77, 0, 0, 0, 0},
	} {
		u, ok := anthropic.Usage([]byte(`{"type":"message","content":[],"usage":` + c.usage + `}`))
		got := [...]int64{
			u.Quantities[inference.TextInput], u.Quantities[inference.TextInputCached], u.Quantities[inference.TextCacheWrite],
			u.Quantities[inference.TextCacheWrite1h], u.Quantities[inference.TextOutput], u.Quantities[inference.Search],
		}
		if !ok || got != [...]int64{c.input, c.cached, c.short, c.long, c.output, c.searches} {
			t.Errorf("%s: %v", c.usage, got)
		}
		if total := u.InputTokens() + u.OutputTokens(); total != c.input+c.cached+c.short+c.long+c.output {
			t.Errorf("%s: the lines add up to %d", c.usage, total)
		}
	}
	for _, usage := range []string{
		`null`, `{}`, `[]`, `{"input_tokens":0,"output_tokens":0}`, `{"input_tokens":1}`, `{"input_tokens":-1,"output_tokens":2}`,
		`{"input_tokens":1.0,"output_tokens":2}`, `{"input_tokens":"1","output_tokens":2}`, `{"input_tokens":1,"output_tokens":9999999999}`,
		`{"input_tokens":1,"input_tokens":2,"output_tokens":2}`,
		`{"input_tokens":1,"cache_creation_input_tokens":2,"cache_creation":{"ephemeral_1h_input_tokens":3},"output_tokens":2}`,
	} {
		if u, ok := anthropic.Usage([]byte(`{"type":"message","content":[],"usage":` + usage + `}`)); ok {
			t.Errorf("%s is believed: %+v", usage, u)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	m, ok := anthropic.Messages.Answer([]byte(`{"id":"msg_1","type":"message","content":[{"type":"text","text":"twelve bytes"},{"type":"tool_use","name":"f","input":{}}]}`))
	if !ok || m.Known || m.OutputTokens != 4 {
		t.Errorf("%+v", m)
	}
	for _, body := range []string{
		``, `<html>`, `[]`, `{"type":"error","error":{"type":"api_error","message":"x"}}`, `{"type":"message"}`, `{"content":[]}`,
		`{"type":"message","content":"text"}`, `{"type":"message","content":[],"error":{"message":"x"}}`,
	} {
		if m, ok := anthropic.Messages.Answer([]byte(body)); ok {
			t.Errorf("%s is an answer: %+v", body, m)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f             *fault.Error
		status        int
		typ, contains string
	}{
		{fault.ErrInvalid.Saying("Field required").At("max_tokens"), 400, "invalid_request_error", "max_tokens: Field required"},
		{fault.ErrUnauthed, 401, "authentication_error", "Valid credentials"},
		{fault.New(402, "insufficient_balance", "No money."), 402, "billing_error", "No money."},
		{fault.ErrForbidden, 403, "permission_error", ""},
		{fault.ErrNotFound, 404, "not_found_error", ""},
		{fault.ErrTooLarge, 413, "request_too_large", ""},
		{fault.New(429, "rate_limit", "Slow down."), 429, "rate_limit_error", ""},
		{fault.ErrInternal, 500, "api_error", ""},
		{fault.New(502, "upstream_error", "The upstream failed."), 500, "api_error", ""},
		{fault.New(503, "upstream_error", "Busy."), 529, "overloaded_error", ""},
		{fault.New(504, "upstream_timeout", "Late."), 504, "timeout_error", ""},
		{fault.New(400, "context_length_exceeded", "Too much."), 400, "invalid_request_error", "prompt is too long"},
	} {
		var got struct {
			Type  string `json:"type"`
			Error struct {
				Type    string `json:"type"`
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(anthropic.ErrorBody(c.f), &got); err != nil {
			t.Fatal(err)
		}
		if got.Type != "error" || got.Error.Type != c.typ || !strings.Contains(got.Error.Message, c.contains) || anthropic.Status(c.f) != c.status {
			t.Errorf("%v: %d %+v", c.f, anthropic.Status(c.f), got)
		}
		frame := string(anthropic.Messages.ErrorFrame(c.f))
		if want := "event: error\ndata: " + string(anthropic.ErrorBody(c.f)) + "\n\n"; frame != want {
			t.Errorf("%q", frame)
		}
	}
	if typ, message := anthropic.ParseError([]byte(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)); typ != "overloaded_error" || message != "Overloaded" {
		t.Errorf("%s, %s", typ, message)
	}
	for _, body := range []string{``, `<html>`, `[]`, `{"error":"x"}`, `{"error":{"type":1,"message":{}}}`} {
		if typ, message := anthropic.ParseError([]byte(body)); typ+message != "" {
			t.Errorf("%s: %s, %s", body, typ, message)
		}
	}
}

func TestModelPages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	page := anthropic.ModelList([]anthropic.Model{{ID: "a", DisplayName: "A \"one\"", CreatedAt: at, MaxInputTokens: 200_000}, {ID: "b", CreatedAt: at}}, true)
	want := `{"data":[{"type":"model","id":"a","display_name":"A \"one\"","created_at":"2026-01-02T03:04:05Z","max_input_tokens":200000},` +
		`{"type":"model","id":"b","display_name":"b","created_at":"2026-01-02T03:04:05Z"}],"has_more":true,"first_id":"a","last_id":"b"}`
	if string(page) != want {
		t.Errorf("%s", page)
	}
	ids, next, ok := anthropic.ParseModels(page)
	if !ok || strings.Join(ids, ",") != "a,b" || next != "b" {
		t.Errorf("%v %s %v", ids, next, ok)
	}
	if empty := anthropic.ModelList(nil, false); string(empty) != `{"data":[],"has_more":false,"first_id":null,"last_id":null}` {
		t.Errorf("%s", empty)
	}
	if n, ok := anthropic.ParseTokenCount(anthropic.TokenCount(42)); n != 42 || !ok {
		t.Errorf("%d %v", n, ok)
	}
	if _, ok := anthropic.ParseTokenCount([]byte(`{"input_tokens":-1}`)); ok {
		t.Error("a negative count is believed")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"type":"message","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":1,"output_tokens":2}}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, ok := anthropic.Messages.Answer([]byte(body))
		for _, n := range m.Usage.Quantities {
			if n < 0 || !ok && n != 0 {
				t.Errorf("%+v", m)
			}
		}
	})
}

var _ wire.Format = anthropic.Messages
