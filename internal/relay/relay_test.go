package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

func TestWholeAnswerPassesThroughAndIsCharged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, whole)
	w := b.ask(t.Context(), question)
	if w.Code != 200 || w.Body.String() != whole {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := b.first.last(t)["model"]; got != "first-model" {
		t.Errorf("the upstream was asked for %v", got)
	}
	// 10 × 1e-6 + 20 × 1e-5
	r := b.charged(t, "0.00021")
	if r.Task.Status != tasks.Succeeded || r.Task.ResolvedModel != "first-model" || r.Task.RequestID != "req-1" {
		t.Errorf("%+v", r.Task)
	}
}

func TestStreamHidesTheUsageThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, chunk+last+usage+done)
	w := b.ask(t.Context(), streamed)
	if got := w.Body.String(); got != bare+bareBy+done {
		t.Errorf("got %q", got)
	}
	if options, _ := b.first.last(t)["stream_options"].(map[string]any); options["include_usage"] != true {
		t.Errorf("usage was not asked for: %v", options)
	}
	b.charged(t, "0.00021")
}

func TestStreamShowsTheUsageThatWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, chunk+last+usage+done)
	w := b.ask(t.Context(), strings.Replace(streamed, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1))
	if got := w.Body.String(); got != chunk+last+usage+done {
		t.Errorf("got %q", got)
	}
	b.charged(t, "0.00021")
}

func TestStreamWithoutUsageIsCountedHere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, bare+bareBy+done)
	b.ask(t.Context(), streamed)
	r := b.record(t)
	if !r.Task.Usage.Estimated || r.Task.BillReason != "estimated" || r.Task.Charged == 0 {
		t.Errorf("%+v", r.Task)
	}
}

func TestCutStreamIsChargedAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, bare+bare+`data: {"choi`)
	w := b.ask(t.Context(), streamed)
	if got := w.Body.String(); !strings.HasPrefix(got, bare+bare) || !strings.Contains(got, `"error"`) || strings.Contains(got, "DONE") {
		t.Errorf("got %q", got)
	}
	r := b.record(t)
	if r.Task.Status != tasks.Failed || r.Task.BillReason != "cut" || r.Task.Charged == 0 || len(b.second.calls) != 0 {
		t.Errorf("%+v", r.Task)
	}
}

func TestStreamThatFailsBeforeItsFirstEventIsTriedElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, ": alive\n\ndata: {\"error\":{\"message\":\"boom\"}}\n\n")
	b.second.answer = always(200, chunk+last+usage+done)
	w := b.ask(t.Context(), streamed)
	if got := w.Body.String(); got != bare+bareBy+done {
		t.Errorf("got %q", got)
	}
	r := b.charged(t, "0.00021")
	if r.Task.AttemptCount != 3 || r.Task.ResolvedModel != "second-model" {
		t.Errorf("%d attempts, served by %s", r.Task.AttemptCount, r.Task.ResolvedModel)
	}
}

// leaver is a caller that takes one write and leaves.
type leaver struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

func (l *leaver) Write(p []byte) (int, error) {
	n, err := l.ResponseRecorder.Write(p)
	l.leave()
	return n, err
}

func TestCallerWhoLeavesPaysForWhatWasDelivered(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	cancelled := make(chan struct{})
	b.first.answer = func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, bare)
			<-ctx.Done()
			close(cancelled)
			w.CloseWithError(ctx.Err())
		}()
		return &http.Response{StatusCode: http.StatusOK, Body: r}, nil
	}
	ctx, leave := context.WithCancel(t.Context())
	b.serve(ctx, &leaver{httptest.NewRecorder(), leave}, openai.Chat, streamed)
	<-cancelled
	r := b.record(t)
	if r.Task.Status != tasks.Canceled || r.Task.BillReason != "client_gone" || r.Task.Charged == 0 {
		t.Errorf("%+v", r.Task)
	}
	if open, _ := b.book.Holds(); open != 0 {
		t.Errorf("%d holds open", open)
	}
}

func TestFailover(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(context.Context, *provider.Call) (*http.Response, error){
		"429": always(429, ""), "500": always(500, ""), "503": always(503, ""), "401": always(401, ""),
		"refused": refused, "malformed": always(200, `{"choices":[`), "error with 200": always(200, `{"error":{"message":"x"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "1", relay.Limits{})
			b.first.answer, b.second.answer = first, always(200, whole)
			if w := b.ask(t.Context(), question); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			r := b.charged(t, "0.00021")
			var attempts []tasks.Attempt
			if err := json.Unmarshal(r.Task.Attempts, &attempts); err != nil {
				t.Fatal(err)
			}
			final := attempts[len(attempts)-1]
			if final.Verdict != "served" || final.PlatformName != "second" || attempts[len(attempts)-2].Verdict != "next_platform" {
				t.Errorf("%s", r.Task.Attempts)
			}
		})
	}
}

func TestFailureInTheCallersProtocol(t *testing.T) {
	t.Parallel()
	type answer = func(context.Context, *provider.Call) (*http.Response, error)
	for name, c := range map[string]struct {
		answer answer
		status int
		code   string
		calls  int
	}{
		"request at fault":   {always(400, "temperature is too high"), 400, "invalid_parameter", 1},
		"limited everywhere": {always(429, ""), 429, "rate_limit", 1},
		"wrong credentials":  {always(401, "key sk-secret is wrong"), 502, "upstream_error", 1},
		"overloaded":         {always(503, ""), 503, "upstream_error", 2},
		"unreachable":        {refused, 502, "upstream_error", 2},
		"not JSON":           {always(200, "<html>"), 502, "upstream_bad_response", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "1", relay.Limits{})
			b.first.answer, b.second.answer = c.answer, c.answer
			w := b.ask(t.Context(), question)
			var body struct {
				Error struct {
					Code string `json:"code"`
					Type string `json:"type"`
				} `json:"error"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || body.Error.Code != c.code || body.Error.Type == "" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer shows what the upstream said of our credentials: %s", w.Body)
			}
			if len(b.first.calls) != c.calls {
				t.Errorf("the first upstream was called %d times, want %d", len(b.first.calls), c.calls)
			}
			if w.Code == 429 && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			b.charged(t, "0")
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
		code   string
	}{
		"no credentials":   {question, []string{"Authorization", ""}, 401, "unauthorized"},
		"not JSON":         {`{"model":`, nil, 400, "invalid_json"},
		"array":            {`[]`, nil, 400, "invalid_json"},
		"bad text":         {"{\"model\":\"\xff\"}", nil, 400, "invalid_json"},
		"two models":       {`{"model":"m","model":"x","messages":[]}`, nil, 400, "duplicate_key"},
		"too deep":         {`{"model":"m","messages":[{}],"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, nil, 400, "json_too_deep"},
		"no model":         {`{"messages":[{"role":"user","content":"hi"}]}`, nil, 400, "invalid_parameter"},
		"unknown model":    {`{"model":"nope","messages":[{"role":"user","content":"hi"}]}`, nil, 404, "model_not_found"},
		"huge limit":       {`{"model":"m","max_tokens":4611686018427387904,"messages":[{"role":"user","content":"hi"}]}`, nil, 400, "invalid_parameter"},
		"compressed":       {question, []string{"Content-Encoding", "gzip"}, 415, "unsupported_encoding"},
		"form":             {question, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		"too large":        {`{"model":"m","messages":["` + strings.Repeat("x", 1<<20) + `"]}`, nil, 413, "body_too_large"},
		"more than it has": {`{"model":"m","max_tokens":1000000,"messages":[{"role":"user","content":"hi"}]}`, nil, 402, "insufficient_balance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "1", relay.Limits{})
			w := b.ask(t.Context(), c.body, c.header...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if len(b.first.calls) != 0 {
				t.Error("the upstream was called")
			}
			if open, _ := b.book.Holds(); open != 0 {
				t.Errorf("%d holds open", open)
			}
		})
	}
}

func TestCallWithoutALimitGetsOneThatTheWalletAffords(t *testing.T) {
	t.Parallel()
	b := newBench(t, "0.01", relay.Limits{})
	b.first.answer = always(200, whole)
	body := `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	if w := b.ask(t.Context(), body); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	limit, _ := b.first.last(t)["max_tokens"].(float64)
	// 0.01 USD pays at most 1000 tokens of output; the input's bound takes a little of it.
	if limit < 900 || limit > 1000 {
		t.Errorf("limit %v", limit)
	}
	b.charged(t, "0.00021")
}

func TestDiscountsOfGroupAndTenantAreKeptByName(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	prepared, err := relay.PrepareTerms(identity.Home{
		Group:  identity.Group{BillingDiscountPolicy: json.RawMessage(`{"default":0.9,"models":{"m":0.5}}`)},
		Tenant: identity.Tenant{Policies: json.RawMessage(`{"billingDiscountPolicy":{"default":0.8},"overdraft":{}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.principal.Terms = prepared
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question)
	r := b.charged(t, "0.000084") // 0.00021 × 0.5 × 0.8
	var lines []pricing.Line
	if err := json.Unmarshal(r.Task.Lines, &lines); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if len(l.Factors) != 2 || l.Factors[0].Name != "group" || l.Factors[1].Name != "tenant" {
			t.Errorf("factors %+v", l.Factors)
		}
	}
	if _, err := relay.PrepareTerms(identity.Home{Group: identity.Group{BillingDiscountPolicy: json.RawMessage(`{"default":0}`)}}); err == nil {
		t.Error("a factor of zero would make everything free")
	}
}

func TestUsageAboveTheHoldIsNeverSilent(t *testing.T) {
	t.Parallel()
	b := newBench(t, "0.002", relay.Limits{})
	b.first.answer = always(200, strings.Replace(whole, `"completion_tokens":20,"total_tokens":30`, `"completion_tokens":1000,"total_tokens":1010`, 1))
	b.ask(t.Context(), question)
	// 10 × 1e-6 + 1000 × 1e-5 = 0.01001: the wallet's 0.002 is all that it can pay.
	r := b.charged(t, "0.002")
	var overrun money.Amount
	for _, tr := range r.Transfers {
		if tr.Kind == "overrun" {
			overrun += tr.Amount
		}
	}
	if got := overrun.Text(money.USD); got != "0.00801" {
		t.Errorf("overrun of %s", got)
	}
}

func TestSimulationOfARealModelCostsSimulatedMoney(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.engine.answer = always(200, whole)
	w := b.ask(t.Context(), strings.Replace(question, `"model":"m"`, `"model":"m","runMode":"simulation"`, 1), "X-Simulation", "fault=none")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if _, sent := b.engine.last(t)["runMode"]; sent {
		t.Error("runMode went out")
	}
	r := b.charged(t, "0.00021")
	if r.Task.Currency != money.SIM || !r.Task.Simulated || r.Task.RunMode != "simulation" {
		t.Errorf("%+v", r.Task)
	}
}

func TestFaultsAreForTheSimulatorOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question, "X-Simulation", "fault=429")
	if h := b.first.calls[0].Header; len(h) != 0 {
		t.Errorf("headers %v went out", h)
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	limits := relay.Limits{FirstByte: time.Minute, Idle: 10 * time.Second, Total: 5 * time.Minute}
	stalls := func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, bare)
			<-ctx.Done()
			w.CloseWithError(ctx.Err())
		}()
		return &http.Response{StatusCode: http.StatusOK, Body: r}, nil
	}
	for name, c := range map[string]struct {
		answer func(context.Context, *provider.Call) (*http.Response, error)
		body   string
		after  time.Duration
		want   string
	}{
		"no first byte":     {hang, question, 2 * time.Minute, "upstream_timeout"},
		"no first event":    {hang, streamed, 2 * time.Minute, "upstream_timeout"},
		"silence in middle": {stalls, streamed, 10 * time.Second, "upstream_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "1", limits)
				b.first.answer, b.second.answer = c.answer, c.answer
				start := time.Now()
				w := b.ask(t.Context(), c.body)
				if took := time.Since(start); took != c.after {
					t.Errorf("took %v, want %v", took, c.after)
				}
				if !strings.Contains(w.Body.String(), c.want) {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				if open, _ := b.book.Holds(); open != 0 {
					t.Errorf("%d holds open", open)
				}
			})
		})
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	answer := `{"object":"list","data":[{"embedding":[1],"index":0}],"usage":{"prompt_tokens":7,"total_tokens":7}}`
	b.first.answer = always(200, answer)
	w := httptest.NewRecorder()
	b.serve(t.Context(), w, openai.Embeddings, `{"model":"m","input":"hi"}`)
	if w.Code != 200 || w.Body.String() != answer {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, sent := b.first.last(t)["max_tokens"]; sent {
		t.Error("an embeddings call has no output limit")
	}
	b.charged(t, "0.000007")
}

var errGone = errors.New("gone")

// deaf is a caller that accepts nothing.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error) { return 0, errGone }

func TestCallerWhoTakesNothingEndsTheStream(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.first.answer = always(200, strings.Repeat(bare, 100)+last+usage+done)
	b.serve(t.Context(), deaf{httptest.NewRecorder()}, openai.Chat, streamed)
	if r := b.record(t); r.Task.BillReason != "client_gone" {
		t.Errorf("%+v", r.Task)
	}
}
