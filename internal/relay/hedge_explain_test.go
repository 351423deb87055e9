package relay_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire"
)

// TestExplainShowsTheHedge: an explanation tells whom a second attempt would go to, and why it would not.
func TestExplainShowsTheHedge(t *testing.T) {
	t.Parallel()
	const dear = `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},
		{"resourceType":"text_output","unit":"1m_tokens","basePrice":1000}]}`
	for name, c := range map[string]struct {
		policy string
		second string // its price; "": that of the others
		faults map[int]relay.FaultKind
		want   string
	}{
		"second wins":        {hedging, "", map[int]relay.FaultKind{0: "timeout"}, "p0 canceled hedged_lost, p1 ok served"},
		"first is in time":   {hedging, "", nil, "p0 ok served"},
		"first fails early":  {hedging, "", map[int]relay.FaultKind{0: "401"}, "p0 authentication next_platform, p1 ok served"},
		"second fails":       {hedging, "", map[int]relay.FaultKind{0: "timeout", 1: "503"}, "p0 timeout next_platform, p1 overloaded hedged_lost, p2 ok served"},
		"second refuses":     {hedging, "", map[int]relay.FaultKind{0: "timeout", 1: "400"}, "p0 timeout next_platform, p1 invalid_request hedged_lost, p2 ok served"},
		"second is full":     {hedging, "", map[int]relay.FaultKind{0: "timeout", 1: relay.FaultLimits}, "p0 canceled hedged_lost, p2 ok served"},
		"second is too dear": {hedging, dear, map[int]relay.FaultKind{0: "timeout"}, "p0 timeout next_platform, p1 ok served"},
		"all are silent": {
			hedging, "",
			map[int]relay.FaultKind{0: "timeout", 1: "timeout", 2: "timeout"},
			"p0 timeout hedged_lost, p1 timeout next_platform, p2 timeout exhausted",
		},
		"off": {`{}`, "", map[int]relay.FaultKind{0: "timeout"}, "p0 timeout next_platform, p1 ok served"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, relay.Limits{FirstByte: 2 * time.Second, Total: time.Minute})
			for i := range int64(3) {
				f.add(i, 1)
			}
			f.src.Runner = &routing.RunnerPolicy{FailoverPolicy: json.RawMessage(c.policy)}
			if c.second != "" {
				f.src.Models[1].BillingConfig = json.RawMessage(c.second)
			}
			f.compile()
			q := &relay.Inquiry{
				Principal: f.principal, Kind: inference.Chat, Ask: wire.Ask{Model: "m", Choices: 1, MaxOutput: 100}, InputTokens: 50,
			}
			for i, kind := range c.faults {
				q.Faults = append(q.Faults, relay.Fault{Platform: f.src.Platforms[i].ID, Kind: kind})
			}
			e, err := f.relay.Explain(q)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i, s := range e.Steps {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprint(s.Target.Platform.Name, " ", s.Category, " ", s.Verdict)
			}
			if got != c.want || !e.Candidates[0].Chosen {
				t.Errorf("explained: %s\nwant: %s", got, c.want)
			}
			if s := f.health.Statuses(time.Now()); len(s) != 0 || len(f.windows.Windows(nil)) != 0 {
				t.Errorf("an explanation left %+v, %+v", s, f.windows.Windows(nil))
			}
		})
	}
}
