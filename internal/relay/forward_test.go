package relay_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// routed gives the bench the models "big" and "judge" on the second platform, and routes by alias.
func (b *bench) routed(forward, fallback map[string]string) {
	b.use(func(s *relay.Sources) {
		for _, alias := range []string{"big", "judge"} {
			m := s.Models[1]
			m.ID, m.Alias, m.ProviderModelName = id.New(), alias, alias+"-upstream"
			s.Models = append(s.Models, m)
		}
		for alias, rules := range forward {
			s.ModelRoutes = append(s.ModelRoutes, routing.ModelRoute{Alias: alias, Forward: json.RawMessage(`{"rules":` + rules + `}`)})
		}
		for alias, text := range fallback {
			s.ModelRoutes = append(s.ModelRoutes, routing.ModelRoute{Alias: alias, Fallback: json.RawMessage(text)})
		}
	})
}

type routeOf struct {
	Requested  string `json:"requested"`
	Served     string `json:"served"`
	Cause      string `json:"cause"`
	Candidates []struct {
		Model string `json:"model"`
	} `json:"candidates"`
	Forwarded []struct {
		To   string `json:"to"`
		Rule int    `json:"rule"`
	} `json:"forwarded"`
}

func story(t *testing.T, task *tasks.Task) routeOf {
	t.Helper()
	var out routeOf
	if err := json.Unmarshal(task.Route, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRulesForward(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules, text string
		rule        int // which matches; -1: none
	}{
		"all":                    {`[{"type":"all","target":"big"}]`, "hi", 0},
		"keyword":                {`[{"type":"keyword","keywords":["Draw","PAINT"],"target":"big"}]`, "please paint a cat", 0},
		"no keyword":             {`[{"type":"keyword","keywords":["draw"],"target":"big"}]`, "hi", -1},
		"all keywords":           {`[{"type":"keyword","match":"all","keywords":["a","b"],"target":"big"}]`, "only A", -1},
		"the second rule":        {`[{"type":"keyword","keywords":["x"],"target":"judge"},{"type":"regex","pattern":"(?i)^h.$","target":"big"}]`, "HI", 1},
		"regex":                  {`[{"type":"regex","pattern":"\\bSELECT\\b","target":"big"}]`, "select", -1},
		"length":                 {`[{"type":"length","minCharacters":3,"maxCharacters":3,"target":"big"}]`, "你好吗", 0},
		"too short":              {`[{"type":"length","minCharacters":4,"target":"big"}]`, "你好吗", -1},
		"tokens":                 {`[{"type":"length","minTokens":500,"target":"big"}]`, strings.Repeat("word ", 600), 0},
		"few tokens":             {`[{"type":"length","maxTokens":500,"target":"big"}]`, strings.Repeat("word ", 600), -1},
		"stays":                  {`[{"type":"all","target":"m"},{"type":"all","target":"big"}]`, "hi", -1},
		"a model that is gone":   {`[{"type":"all","target":"gone"},{"type":"all","target":"big"}]`, "hi", 1},
		"another group":          {`[{"type":"all","groups":["vip"],"target":"big"}]`, "hi", -1},
		"the caller's group":     {`[{"type":"all","groups":["vip","basic"],"target":"big"}]`, "hi", 0},
		"another tenant":         {`[{"type":"all","tenants":["` + id.New().String() + `"],"target":"big"}]`, "hi", -1},
		"rules that are not any": {`[{"type":"all"}]`, "hi", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "1", relay.Limits{})
			b.routed(map[string]string{"m": c.rules}, nil)
			b.principal.GroupKey, b.principal.Models = "basic", []string{"m"}
			b.first.answer, b.second.answer = always(200, whole), always(200, whole)
			content, _ := json.Marshal(c.text)
			if w := b.ask(t.Context(), strings.Replace(question, `"hi"`, string(content), 1)); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			r := story(t, &b.charged(t, "0.00021").Task)
			if c.rule < 0 {
				if r.Served != "first-model" || len(r.Forwarded) != 0 || r.Cause != "alias" {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.Requested != "m" || r.Served != "big-upstream" || r.Cause != "forward" || len(r.Forwarded) != 1 ||
				r.Forwarded[0].Rule != c.rule || r.Forwarded[0].To != "big" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestNamesThatRulesAloneServe(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.routed(map[string]string{"auto": `[{"type":"all","target":"bigger"}]`, "bigger": `[{"type":"all","target":"big"}]`}, nil)
	b.second.answer = always(200, whole)
	ask := strings.Replace(question, `"m"`, `"auto"`, 1)
	if w := b.ask(t.Context(), ask); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := story(t, &b.charged(t, "0.00021").Task); len(r.Forwarded) != 2 || r.Served != "big-upstream" {
		t.Errorf("%+v", r)
	}
	if r := b.relay.Snapshot().Route("auto"); !r.Types.Has(inference.TypeChat) || r.OwnedBy != "gantry" {
		t.Errorf("listed as %+v", r)
	}
	q, err := b.relay.Snapshot().Quote(relay.Asker{Principal: b.principal, At: time.Now()}, openai.Chat, []byte(ask))
	if err != nil || q.Model != "big-upstream" {
		t.Errorf("quoted %+v, %v", q, err)
	}
	if w := b.ask(t.Context(), strings.Replace(question, `"m"`, `"nothing"`, 1)); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRoutesOfATenantAreItsOwn(t *testing.T) {
	t.Parallel()
	own, other := id.New(), id.New()
	b := newBench(t, "1", relay.Limits{})
	b.use(func(s *relay.Sources) {
		s.DefaultTenant = id.New()
		m := s.Models[1]
		m.ID, m.Alias, m.ProviderModelName = id.New(), "big", "big-upstream"
		s.Models = append(s.Models, m)
		toBig := json.RawMessage(`{"rules":[{"type":"all","target":"big"}]}`)
		s.ModelRoutes = []routing.ModelRoute{
			{TenantID: own, Alias: "m", Forward: toBig}, {TenantID: own, Alias: "private", Forward: toBig},
		}
	})
	b.first.answer, b.second.answer = always(200, whole), always(200, whole)
	b.principal.TenantID = other
	if w := b.ask(t.Context(), question); w.Code != 200 || len(b.second.calls) != 0 {
		t.Errorf("another tenant was forwarded: %d", w.Code)
	}
	if w := b.ask(t.Context(), strings.Replace(question, `"m"`, `"private"`, 1)); w.Code != 404 {
		t.Errorf("another tenant's name: %d %s", w.Code, w.Body)
	}
	b.principal.TenantID = own
	if w := b.ask(t.Context(), question); w.Code != 200 || len(b.second.calls) != 1 {
		t.Errorf("the tenant was not forwarded: %d", w.Code)
	}
}

func TestLoopsAreCut(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.routed(map[string]string{"m": `[{"type":"all","target":"big"}]`, "big": `[{"type":"all","target":"judge"}]`, "judge": `[{"type":"all","target":"m"}]`}, nil)
	b.second.answer = always(200, whole)
	b.ask(t.Context(), question)
	if r := story(t, &b.charged(t, "0.00021").Task); r.Served != "judge-upstream" || len(r.Forwarded) != 2 {
		t.Errorf("%+v", r)
	}
}

// decides answers calls for the model "judge" with a word, and others as usual.
func decides(word string) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(_ context.Context, c *provider.Call) (*http.Response, error) {
		if c.Model != "judge-upstream" {
			return reply(200, whole)
		}
		return reply(200, strings.Replace(whole, "hello", word, 1))
	}
}

const decision = `[{"type":"decision","decision":{"model":"judge","prompt":"Is it hard?","targets":{"hard":"big","easy":"m"}}}]`

func (b *bench) records(t *testing.T) []*journal.Record {
	t.Helper()
	if err := b.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	return b.sink.records
}

func TestAModelDecides(t *testing.T) {
	t.Parallel()
	for answer, served := range map[string]string{"Hard.": "big-upstream", `\"easy\"`: "first-model", "perhaps": "first-model", "": "first-model"} {
		b := newBench(t, "1", relay.Limits{})
		b.routed(map[string]string{"m": decision, "judge": `[{"type":"all","target":"m"}]`}, nil)
		b.principal.Models = []string{"m"}
		b.first.answer, b.second.answer = always(200, whole), decides(answer)
		if w := b.ask(t.Context(), question); w.Code != 200 || strings.Contains(w.Body.String(), "Hard") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		records := b.records(t)
		if len(records) != 2 {
			t.Fatalf("%d records", len(records))
		}
		asked, own := story(t, &records[0].Task), story(t, &records[1].Task)
		if asked.Cause != "decision" || asked.Served != "judge-upstream" || own.Served != served {
			t.Errorf("%q: %+v, then %+v", answer, asked, own)
		}
		if d := &records[0].Task; d.UserID != b.user || d.Charged.Text(money.USD) != "0.00021" || d.RequestID != "req-1" || d.ID == records[1].Task.ID {
			t.Errorf("the decision's task: %+v", d)
		}
		sent := string(b.second.calls[0].Body)
		if !strings.Contains(sent, "Is it hard?") || !strings.Contains(sent, "easy, hard") || !strings.Contains(sent, `"content":"hi"`) {
			t.Errorf("asked %s", sent)
		}
	}
}

func TestLateDecisionIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "1", relay.Limits{})
		b.routed(map[string]string{"m": decision}, nil)
		b.first.answer, b.second.answer = always(200, whole), hang
		begin := time.Now()
		if w := b.ask(t.Context(), question); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if took := time.Since(begin); took != routing.DefaultDecisionTimeout {
			t.Errorf("took %v", took)
		}
		records := b.records(t)
		if len(records) != 2 || records[0].Task.Charged != 0 || story(t, &records[1].Task).Served != "first-model" {
			t.Errorf("%d records", len(records))
		}
		if open, _ := b.book.Holds(); open != 0 {
			t.Errorf("%d holds open", open)
		}
	})
}

func TestFallback(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.routed(nil, map[string]string{"m": `{"model":"big"}`})
	b.first.answer = always(503, "")
	b.second.answer = func(_ context.Context, c *provider.Call) (*http.Response, error) {
		if c.Model == "big-upstream" {
			return reply(200, whole)
		}
		return reply(500, "")
	}
	if w := b.ask(t.Context(), question); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r := b.charged(t, "0.00021")
	if s := story(t, &r.Task); s.Cause != "fallback" || s.Served != "big-upstream" || r.Task.AttemptCount != 4 || len(s.Candidates) != 3 {
		t.Errorf("%+v after %d attempts", s, r.Task.AttemptCount)
	}
	if !strings.Contains(string(r.Task.Attempts), `"verdict":"fallback"`) {
		t.Errorf("attempts %s", r.Task.Attempts)
	}
}

func TestFallbackIsForFailuresThatAnotherMayNotHave(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.routed(nil, map[string]string{"m": `{"model":"big"}`})
	b.first.answer = always(400, "bad")
	if w := b.ask(t.Context(), question); w.Code != 400 || len(b.second.calls) != 0 {
		t.Errorf("%d, the second called %d times", w.Code, len(b.second.calls))
	}
	b.first.answer = always(200, bare+`data: {"choi`)
	if w := b.ask(t.Context(), streamed); w.Code != 200 || len(b.second.calls) != 0 {
		t.Errorf("after the first byte: %d, the second called %d times", w.Code, len(b.second.calls))
	}
	if open, _ := b.book.Holds(); open != 0 {
		t.Errorf("%d holds open", open)
	}
}

func TestFallbackChainsEndAndFailWithTheLastFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.routed(nil, map[string]string{"m": `{"model":"big"}`, "big": `{"model":"judge"}`, "judge": `{"model":"m"}`})
	b.first.answer, b.second.answer = always(503, ""), always(429, "")
	if w := b.ask(t.Context(), question); w.Code != 429 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if r := b.charged(t, "0"); r.Task.AttemptCount != 4 { // first twice, then second-model and big; a new relay's retry budget ends before judge
		t.Errorf("%d attempts: %s", r.Task.AttemptCount, r.Task.Attempts)
	}
}

func TestFallbackToAPlatform(t *testing.T) {
	t.Parallel()
	b := newBench(t, "1", relay.Limits{})
	b.use(func(s *relay.Sources) {
		m := s.Models[1]
		m.ID, m.Alias, m.ProviderModelName = id.New(), "big", "big-upstream"
		n := s.Models[0]
		n.ID, n.Alias, n.ProviderModelName = id.New(), "big", "big-first"
		s.Models = append(s.Models[:1], m, n)
		s.ModelRoutes = []routing.ModelRoute{{
			Alias: "m", Fallback: json.RawMessage(`{"model":"big","platformId":"` + s.Platforms[1].ID.String() + `"}`),
		}}
	})
	b.first.answer, b.second.answer = always(429, ""), always(200, whole)
	if w := b.ask(t.Context(), question); w.Code != 200 || len(b.first.calls) != 1 || len(b.second.calls) != 1 {
		t.Errorf("%d, called %d and %d times", w.Code, len(b.first.calls), len(b.second.calls))
	}
	b.charged(t, "0.00021")
}
