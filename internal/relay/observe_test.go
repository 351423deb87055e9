package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// logTo makes a relay log as JSON from a level on.
func logTo(buf *bytes.Buffer, level slog.Level) func(*relay.Options) {
	return func(o *relay.Options) {
		o.Log = slog.New(slog.NewJSONHandler(buf, &slog.HandlerOptions{Level: level}))
	}
}

// entry reads the only line of a log. Times, durations and ids are checked to be there and then left out.
func entry(t *testing.T, buf *bytes.Buffer) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(buf.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, buf)
	}
	for _, name := range []string{"time", "duration", "task", "user", "tenant"} {
		if out[name] == nil {
			t.Errorf("no %s in %s", name, buf)
		}
		delete(out, name)
	}
	return out
}

func TestOneLineTellsTheWholeCall(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	b := newBench(t, "1", relay.Limits{}, logTo(&buf, slog.LevelInfo))
	b.first.answer, b.second.answer = always(429, "slow down"), always(200, chunk+last+usage+done)
	b.ask(t.Context(), streamed)
	got := entry(t, &buf)
	for _, step := range []string{"admit", "resolve", "reserve", "prepare", "deliver", "settle", "record"} {
		steps, _ := got["steps"].(map[string]any)
		if d, ok := steps[step].(float64); !ok || d < 0 {
			t.Errorf("step %s took %v", step, steps[step])
		}
	}
	attempts, _ := got["attempt"].(map[string]any)
	for _, a := range attempts {
		if group, ok := a.(map[string]any); ok {
			delete(group, "duration")
		}
	}
	if got["ttft"] == nil {
		t.Error("no ttft")
	}
	delete(got, "steps")
	delete(got, "ttft")
	want := map[string]any{
		"level": "INFO", "msg": "request", "request_id": "req-1", "kind": "chat.completions", "model": "m", "status": 200.0,
		"stream": true, "platform": "second", "provider": "test", "upstream_model": "second-model", "route": "failover",
		"attempts": 2.0, "usage": map[string]any{"text_input": 10.0, "text_output": 20.0}, "bill": "usage",
		"attempt": map[string]any{
			"1": map[string]any{"platform": "first", "category": "rate_limited", "status": 429.0, "verdict": "next_platform"},
			"2": map[string]any{"platform": "second", "category": "ok", "status": 200.0, "verdict": "served"},
		},
		"held": got["held"], "charged": "0.00021 USD",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// flushed is a caller's connection that tells when it is flushed.
type flushed struct {
	*httptest.ResponseRecorder

	now func(body string)
}

func (f flushed) Flush() { f.now(f.Body.String()) }

// TestAnAnswerIsSentBeforeItIsTold: a caller has the whole answer when what it reserved is free again, and does not wait for the
// line in the log.
func TestAnAnswerIsSentBeforeItIsTold(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	b := newBench(t, "1", relay.Limits{}, logTo(&buf, slog.LevelInfo))
	b.first.answer = always(200, whole)
	times := 0
	b.serve(t.Context(), flushed{httptest.NewRecorder(), func(body string) {
		times++
		if body != whole || buf.Len() > 0 {
			t.Errorf("sent %q, logged %s", body, &buf)
		}
		if open, _ := b.book.Holds(); open != 0 {
			t.Error("its hold is open")
		}
	}}, openai.Chat, question)
	if times != 1 {
		t.Errorf("flushed %d times", times)
	}
	entry(t, &buf)
}

func TestALineTellsWhichLimitWasHit(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	g := newGuarded(t, `{"rpm":1}`, "", logTo(&buf, slog.LevelInfo))
	g.ask(t.Context(), question)
	buf.Reset()
	g.ask(t.Context(), question)
	got := entry(t, &buf)
	if got["code"] != "rate_limit" || got["limit_scope"] != "api_key" || got["limit_metric"] != "requests" || got["status"] != 429.0 {
		t.Errorf("line %v", got)
	}
}

// TestNoSecretsInTheLog: neither the caller's key nor what it wrote is logged, and of what the upstream said no more than
// its category.
func TestNoSecretsInTheLog(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	b := newBench(t, "1", relay.Limits{}, logTo(&buf, slog.LevelDebug))
	b.first.answer, b.second.answer = always(500, "canary-upstream"), always(200, whole)
	b.ask(t.Context(), strings.Replace(question, `"hi"`, `"canary-prompt"`, 1))
	for _, secret := range []string{"canary", "Bearer", "good", "hello"} {
		if strings.Contains(buf.String(), secret) {
			t.Errorf("%s is in the log: %s", secret, &buf)
		}
	}
}

func TestMetricsOfCalls(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b := newBench(t, "1", relay.Limits{}, func(o *relay.Options) { o.Metrics = relay.NewMetrics(reg) })
	b.first.answer, b.second.answer = always(503, "busy"), always(200, whole)
	b.ask(t.Context(), question)
	b.ask(t.Context(), question)
	b.second.answer = always(200, chunk+last+usage+done)
	b.ask(t.Context(), streamed)
	b.ask(t.Context(), strings.Replace(question, `"m"`, `"made up by a caller"`, 1))
	want := `
# HELP gantry_attempts_total Attempts at upstreams by outcome category.
# TYPE gantry_attempts_total counter
gantry_attempts_total{category="ok",model="m",platform="second"} 3
gantry_attempts_total{category="overloaded",model="m",platform="first"} 3
# HELP gantry_charged_units_total Charges in the ledger's units of each currency.
# TYPE gantry_charged_units_total counter
gantry_charged_units_total{currency="USD"} 630000
# HELP gantry_refusals_total Requests that reached no upstream, by operation and error code.
# TYPE gantry_refusals_total counter
gantry_refusals_total{code="model_not_found",kind="chat.completions"} 1
# HELP gantry_requests_total Inference requests by operation, platform, model and answer.
# TYPE gantry_requests_total counter
gantry_requests_total{kind="chat.completions",model="",platform="",status="404"} 1
gantry_requests_total{kind="chat.completions",model="m",platform="second",status="200"} 3
# HELP gantry_retries_total Attempts that were followed by another, by their outcome category.
# TYPE gantry_retries_total counter
gantry_retries_total{category="overloaded",model="m",platform="first"} 3
# HELP gantry_tokens_total Tokens that were settled, by class.
# TYPE gantry_tokens_total counter
gantry_tokens_total{class="text_input",model="m",platform="second"} 30
gantry_tokens_total{class="text_output",model="m",platform="second"} 60
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "gantry_attempts_total", "gantry_charged_units_total",
		"gantry_refusals_total", "gantry_requests_total", "gantry_retries_total", "gantry_tokens_total")
	if err != nil {
		t.Error(err)
	}
	for name, n := range map[string]int{
		"gantry_request_duration_seconds": 2, "gantry_time_to_first_token_seconds": 1, "gantry_time_per_output_token_seconds": 1,
		"gantry_attempt_duration_seconds": 2,
	} {
		if got, err := testutil.GatherAndCount(reg, name); err != nil || got != n {
			t.Errorf("%s has %d series (%v), want %d", name, got, err, n)
		}
	}
}

// follower is a tracer that remembers.
type follower struct {
	stories []*relay.Story
	sent    []string // what attempts were called with
	refuse  bool
}

type followed struct{ *follower }

type mark struct{}

func (f *follower) Begin(req *http.Request, at time.Time) relay.Trace {
	if f.refuse || req == nil || at.IsZero() {
		return nil
	}
	return followed{f}
}

func (followed) ID() string { return "trace-1" }

func (followed) Attempt(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, mark{}, "attempt at "+at.Format(time.DateOnly))
}

func (f followed) End(s *relay.Story) { f.stories = append(f.stories, s) }

func TestATraceHearsTheStory(t *testing.T) {
	t.Parallel()
	f := &follower{}
	noon := clock.NewManual(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	b := newBench(t, "1", relay.Limits{}, func(o *relay.Options) { o.Tracer, o.Now = f, noon.Now })
	hear := func(answer func(context.Context, *provider.Call) (*http.Response, error)) func(context.Context, *provider.Call) (*http.Response, error) {
		return func(ctx context.Context, c *provider.Call) (*http.Response, error) {
			m, _ := ctx.Value(mark{}).(string)
			f.sent = append(f.sent, m)
			noon.Advance(time.Second)
			return answer(ctx, c)
		}
	}
	b.first.answer, b.second.answer = hear(always(429, "no")), hear(always(200, whole))
	b.ask(t.Context(), question)
	b.ask(t.Context(), `{"model":"m"`)
	if len(f.stories) != 2 || len(f.sent) != 2 || f.sent[0] != "attempt at 2026-03-14" {
		t.Fatalf("%d stories, sent %v", len(f.stories), f.sent)
	}
	s := f.stories[0]
	if s.Status != 200 || len(s.Attempts) != 2 || s.Charged == 0 || s.End.Sub(s.Start) != 2*time.Second || s.MaxOutput != 100 {
		t.Errorf("story %+v", s)
	}
	var names []string
	for _, step := range s.Steps {
		names = append(names, step.Name)
	}
	if got := strings.Join(names, " "); got != "admit resolve reserve prepare deliver settle record" {
		t.Errorf("steps %s", got)
	}
	if bad := f.stories[1]; bad.Failure == nil || len(bad.Steps) != 1 || bad.Steps[0].Name != "admit" {
		t.Errorf("story of a refusal %+v", bad)
	}
	f.refuse = true
	b.ask(t.Context(), question)
	if len(f.stories) != 2 {
		t.Error("a request that is not followed has a story")
	}
}
