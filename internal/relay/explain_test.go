package relay_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// randomCase makes platforms, keys, strategies, policies and faults.
func (f *fleet) randomCase(r *rand.Rand) (faults []relay.Fault) {
	strategies := []string{"", "random", "polling", "weight", "sticky"}
	kinds := []relay.FaultKind{relay.FaultDown, "429", "401", "402", "403", "500", "503", "400", "timeout", "404", "timeout", "timeout"}
	for range 1 + r.IntN(5) {
		weights := make([]int64, 1+r.IntN(4))
		for i := range weights {
			weights[i] = r.Int64N(5)
		}
		p, m := f.add(r.Int64N(3), weights...)
		if s := strategies[r.IntN(len(strategies))]; s != "" {
			p.Config = json.RawMessage(`{"credentialStrategy":"` + s + `"}`)
		}
		m.Weight = r.Int64N(5)
		if r.IntN(3) == 0 {
			m.RetryPolicy = json.RawMessage(fmt.Sprintf(`{"maxAttempts":%d,"timeoutMs":%d,"on":["server_error","connect","rate_limited"],"backoff":{"jitter":1}}`,
				1+r.IntN(4), 100+10*r.IntN(300)))
		}
		if r.IntN(4) == 0 {
			p.RateLimitPolicy = json.RawMessage(fmt.Sprintf(`{"rpm":%d,"concurrent":2}`, 1+r.IntN(4)))
		}
		if r.IntN(2) == 0 {
			k := kinds[r.IntN(len(kinds))]
			f.fault(p.ID, k)
			faults = append(faults, relay.Fault{Platform: p.ID, Kind: k})
			continue
		}
		for i := range p.Credentials {
			if r.IntN(3) == 0 {
				k := kinds[r.IntN(len(kinds))]
				f.fault(p.Credentials[i].ID, k)
				faults = append(faults, relay.Fault{Credential: p.Credentials[i].ID, Kind: k})
			}
		}
	}
	f.src.Runner = randomRunner(r)
	return faults
}

// randomRunner makes a runner policy. What is hedged never is when another attempt ends: who were first would be chance.
func randomRunner(r *rand.Rand) *routing.RunnerPolicy {
	return &routing.RunnerPolicy{
		FailoverPolicy: json.RawMessage(fmt.Sprintf(`{"enabled":%v,"maxAttempts":%d,"maxElapsedMs":%d,"hedge":{"enabled":%v,"afterMs":%d}}`,
			r.IntN(5) > 0, 1+r.IntN(8), 100+r.IntN(5000), r.IntN(2) > 0, 103+10*r.IntN(100))),
		PriorityDemotePolicy: json.RawMessage(`{"rules":[{"on":["server_error"],"threshold":1,"step":2,"recoverAfterSeconds":5}]}`),
	}
}

// TestExplainPredictsWhatHappens: an explanation with the faults that upstreams have names the very attempts that the
// next request makes, whatever the platforms, priorities, weights, strategies, policies, limits and earlier failures are.
func TestExplainPredictsWhatHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cases, requests = 1000, 3
		f := newFleet(t, relay.Limits{FirstByte: 2 * time.Second, Total: 5 * time.Second})
		r := rand.New(rand.NewPCG(7, 11))
		several, refused, hedged := 0, 0, 0
		for n := range cases {
			f.src.Platforms, f.src.Models, f.src.Health = nil, nil, &routing.Health{}
			f.faults = map[id.ID]relay.FaultKind{}
			faults := f.randomCase(r)
			f.compile()
			if n%3 == 0 {
				f.relay.FillRetries()
			}
			for range requests {
				body := `{"model":"m","max_tokens":10,"user":"u` + fmt.Sprint(r.IntN(9)) + `","messages":[{"role":"user","content":"hi"}]}`
				want := f.explain(t, body, faults)
				f.sink.records = nil
				f.ask(t.Context(), body)
				got := ""
				for _, a := range f.attempts() {
					got += fmt.Sprintln(a.PlatformModelID, a.CredentialID, a.Category, a.Verdict)
				}
				if got != want {
					t.Fatalf("case %d: explained\n%sand made\n%s", n, want, got)
				}
				if strings.Count(got, "\n") > 1 {
					several++
				}
				if strings.Contains(got, "hedged_lost") {
					hedged++
				}
				if got == "" {
					refused++
				}
				time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond) //nolint:forbidigo // virtual
			}
		}
		if several < cases/4 || refused == 0 || refused > cases || hedged < cases/20 {
			t.Errorf("of %d requests %d had several attempts, %d none and %d were hedged: the cases show little",
				cases*requests, several, refused, hedged)
		}
	})
}

// explain is the predicted sequence of attempts.
func (f *fleet) explain(t *testing.T, body string, faults []relay.Fault) string {
	t.Helper()
	ask, err := openai.Chat.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.relay.Explain(&relay.Inquiry{Principal: f.principal, Kind: inference.Chat, Ask: ask, InputTokens: 1, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, s := range e.Steps {
		out += fmt.Sprintln(s.Target.Model.ID, s.Target.CredentialID, s.Category, s.Verdict)
	}
	return out
}

func TestExplainChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	a, _ := f.add(0, 1, 1)
	f.add(1, 1)
	f.compile()
	faults := []relay.Fault{{Platform: a.ID, Kind: "401"}, {Kind: "500"}}
	body := `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}`
	first := f.explain(t, body, faults)
	for range 20 {
		if again := f.explain(t, body, faults); again != first {
			t.Fatalf("first\n%sand then\n%s", first, again)
		}
	}
	if s := f.health.Statuses(time.Now()); len(s) != 0 || len(f.events.kinds()) != 0 {
		t.Errorf("health %+v, events %v", s, f.events.kinds())
	}
	if lines := strings.Count(first, "\n"); lines != 3 {
		t.Errorf("%d attempts:\n%s", lines, first)
	}
}

func TestExplainTellsTheGates(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	blind, m := f.add(0, 1)
	m.Capabilities = json.RawMessage(`{"inputModalities":["text"]}`)
	small, m := f.add(0, 1)
	m.Capabilities = json.RawMessage(`{"inputModalities":["text","image"],"contextWindow":1000}`)
	busy, _ := f.add(0, 1)
	busy.RateLimitPolicy = json.RawMessage(`{"rpm":1}`)
	last, _ := f.add(5, 1)
	f.compile()
	targets := f.relay.Snapshot().Route("m").Targets
	for _, target := range targets {
		if target.Platform.ID == busy.ID {
			if _, err := f.windows.Admit(t.Context(), target.Limits, limits.Weights{Requests: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask, err := openai.Chat.Peek([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.relay.Explain(&relay.Inquiry{Principal: f.principal, Kind: inference.Chat, Ask: ask, InputTokens: 5000})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		blind.Name: "capability: takes no images", small.Name: "capability: the input is longer than its context window",
		busy.Name: "limits: at its rate limit", last.Name: "passed: ",
	}
	for _, c := range e.Candidates {
		if got := c.Gate + ": " + c.Reason; got != want[c.Target.Platform.Name] || c.Chosen != (c.Gate == "passed") {
			t.Errorf("%s: %s, chosen %v", c.Target.Platform.Name, got, c.Chosen)
		}
	}
	if e.Verdict != "served" || len(e.Steps) != 1 || len(e.Candidates) != 4 {
		t.Errorf("%+v", e)
	}
}
