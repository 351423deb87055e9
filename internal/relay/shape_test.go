package relay_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/relay"
)

// use compiles the bench's configuration with a change to it.
func (b *bench) use(change func(*relay.Sources)) {
	src := b.sources(slog.New(slog.DiscardHandler))
	change(&src)
	b.relay.Use(relay.Compile(src))
}

func capabilitiesOf(text string) func(*relay.Sources) {
	return func(s *relay.Sources) { s.Models[0].Capabilities = json.RawMessage(text) }
}

func configOf(text string) func(*relay.Sources) {
	return func(s *relay.Sources) { s.Platforms[0].Config = json.RawMessage(text) }
}

type logged struct {
	AttemptNo   int  `json:"attemptNo"`
	Changed     bool `json:"changed"`
	ChangeCount int  `json:"changeCount"`
	Changes     []struct {
		Path   string `json:"path"`
		Before string `json:"before"`
		After  string `json:"after"`
		Rule   string `json:"rule"`
	} `json:"changes"`
}

func preprocessed(t *testing.T, task *tasks.Task) []logged {
	t.Helper()
	var out []logged
	if len(task.Preprocessing) > 0 {
		if err := json.Unmarshal(task.Preprocessing, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestParametersAreWhatTheModelCanTake(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(capabilitiesOf(`{"params":{"properties":{"temperature":{"maximum":1},"top_k":{"x-drop":true}}}}`))
	b.first.answer = always(200, whole)
	w := b.ask(t.Context(), strings.Replace(question, `"model"`, `"temperature":1.9,"top_k":5,"model"`, 1))
	got := b.first.last(t)
	if _, there := got["top_k"]; w.Code != 200 || got["temperature"] != 1.0 || there {
		t.Errorf("%d, the upstream was sent %v", w.Code, got)
	}
	log := preprocessed(t, &b.charged(t, "0.00021").Task)
	if len(log) != 1 || log[0].AttemptNo != 1 || log[0].ChangeCount != 2 || !log[0].Changed || log[0].Changes[0].Path != "temperature" ||
		log[0].Changes[0].Before != "1.9" || log[0].Changes[0].After != "1" || log[0].Changes[1].Rule != "x-drop" {
		t.Errorf("log %+v", log)
	}
}

func TestEachTargetHasItsOwnRules(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(capabilitiesOf(`{"params":{"properties":{"temperature":{"maximum":1}}}}`))
	b.first.answer, b.second.answer = always(429, ""), always(200, whole)
	b.ask(t.Context(), strings.Replace(question, `"model"`, `"temperature":1.9,"model"`, 1))
	if got := b.second.last(t)["temperature"]; got != 1.9 {
		t.Errorf("the second was sent what the first needed: %v", got)
	}
	if log := preprocessed(t, &b.charged(t, "0.00021").Task); len(log) != 1 || log[0].AttemptNo != 1 {
		t.Errorf("log %+v", log)
	}
}

func TestHoldIsForWhatIsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(configOf(`{"paramOverride":{"n":5,"max_tokens":1000}}`))
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question)
	got := b.first.last(t)
	if got["n"] != 5.0 || got["max_tokens"] != 1000.0 {
		t.Errorf("sent %v", got)
	}
	// 5 × 1000 × 1e-5 and the input
	if r := b.charged(t, "0.00021"); r.Task.Held < 50_000_000 {
		t.Errorf("held %d", r.Task.Held)
	}
}

func TestUnsupportedParametersAreRefusedUnlessAnotherTakesThem(t *testing.T) {
	t.Parallel()
	const strict = `{"params":{"additionalProperties":false,"properties":{"max_tokens":{}}}}`
	body := strings.Replace(question, `"model"`, `"logprobs":true,"model"`, 1)
	b := newBench(t, "1", relay.Limits{})
	b.use(capabilitiesOf(strict))
	b.second.answer = always(200, whole)
	if w := b.ask(t.Context(), body); w.Code != 200 || len(b.first.calls) != 0 {
		t.Errorf("%d %s, first called %d times", w.Code, w.Body, len(b.first.calls))
	}
	b.charged(t, "0.00021")

	b = newBench(t, "1", relay.Limits{})
	b.use(func(s *relay.Sources) {
		s.Models[0].Capabilities, s.Models[1].Capabilities = json.RawMessage(strict), json.RawMessage(strict)
	})
	w := b.ask(t.Context(), body)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"code":"unsupported_parameter"`) || !strings.Contains(w.Body.String(), `"param":"logprobs"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.charged(t, "0")
}

func TestRulesThatBreakTheRequestAreNotTheCallersFault(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(configOf(`{"paramOverride":{"max_tokens":"many"}}`))
	w := b.ask(t.Context(), question)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "parameter_rules_invalid") || len(b.first.calls) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestBadRulesAreLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(capabilitiesOf(`{"params":{"properties":{"a":{"maximum":"x"}}}}`))
	b.first.answer = always(200, whole)
	if w := b.ask(t.Context(), question); w.Code != 200 || len(b.first.calls) != 1 {
		t.Errorf("a bad schema took its model along: %d %s", w.Code, w.Body)
	}
	b = newBench(t, "1", relay.Limits{})
	b.use(configOf(`{"paramOverride":{"model":"x"}}`))
	b.second.answer = always(200, whole)
	if w := b.ask(t.Context(), question); w.Code != 200 || len(b.first.calls) != 0 {
		t.Errorf("a platform whose settings are not understood was called: %d %s", w.Code, w.Body)
	}
}

func TestModelAndStatusMapping(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(func(s *relay.Sources) {
		s.Models[0].RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`)
		s.Platforms[0].Config = json.RawMessage(`{"modelMapping":{"first-model":"deployment-7"},"statusCodeMapping":{"418":400}}`)
		s.Platforms[1].Config = json.RawMessage(`{"modelMapping":{"m":"by-alias","second-model":"never"}}`)
	})
	b.first.answer, b.second.answer = always(429, ""), always(200, whole)
	b.ask(t.Context(), question)
	if got := b.first.last(t)["model"]; got != "deployment-7" || b.first.calls[0].Model != "deployment-7" {
		t.Errorf("by the provider's name: %v", got)
	}
	if got := b.second.last(t)["model"]; got != "by-alias" {
		t.Errorf("by the alias: %v", got)
	}
	if r := b.charged(t, "0.00021"); r.Task.ResolvedModel != "by-alias" {
		t.Errorf("resolved %s", r.Task.ResolvedModel)
	}
	b.first.answer = always(418, "no tea")
	if w := b.ask(t.Context(), question); w.Code != 400 || len(b.second.calls) != 1 {
		t.Errorf("a mapped status: %d %s, the second called %d times", w.Code, w.Body, len(b.second.calls))
	}
}
