package routing_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func TestParseRetry(t *testing.T) {
	t.Parallel()
	got, err := routing.ParseRetry("p", json.RawMessage(`{"maxAttempts":5,"timeoutMs":60000,"firstByteTimeoutMs":1500,"idleTimeoutMs":250,
		"backoff":{"initialMs":0,"maxMs":9000,"multiplier":3,"jitter":0.25},"on":["timeout"],"respectRetryAfter":false}`))
	want := &routing.Retry{
		MaxAttempts: 5, Total: time.Minute, FirstByte: 1500 * time.Millisecond, Idle: 250 * time.Millisecond,
		Backoff: routing.Backoff{Max: 9 * time.Second, Multiplier: 3, Jitter: .25}, On: routing.CategoriesOf(inference.Timeout),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = routing.ParseRetry("p", json.RawMessage(`{"maxAttempts":1}`)); err != nil || got.MaxAttempts != 1 ||
		got.Backoff != routing.DefaultRetry().Backoff || got.On != routing.DefaultRetry().On || !got.RespectRetryAfter {
		t.Errorf("what is left out: %+v, %v", got, err)
	}
	for _, nothing := range []string{"", "null", "{}"} {
		if got, err := routing.ParseRetry("p", json.RawMessage(nothing)); got != nil || err != nil {
			t.Errorf("%q: %+v, %v", nothing, got, err)
		}
	}
}

func TestParseRules(t *testing.T) {
	t.Parallel()
	got, err := routing.ParseDegrade("p", json.RawMessage(`{"rules":[{"on":["timeout"]},
		{"statusCodes":[418],"errorCodes":["tea"],"keywords":["Too Hot"],"threshold":2,"windowSeconds":5,"cooldownSeconds":7,"maxCooldownSeconds":3,"target":"platform"}]}`))
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range got {
		got[i].Key = ""
	}
	want := []routing.Rule{
		{
			Match: routing.Match{On: routing.CategoriesOf(inference.Timeout)}, Threshold: 3, Window: time.Minute, Cooldown: 10 * time.Second,
			MaxCooldown: 10 * time.Minute, Target: routing.UnitModel,
		},
		{
			Match:     routing.Match{Statuses: []int{418}, Codes: []string{"tea"}, Keywords: []string{"too hot"}},
			Threshold: 2, Window: 5 * time.Second, Cooldown: 7 * time.Second, MaxCooldown: 7 * time.Second, Target: routing.UnitPlatform,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for name, c := range map[string]struct {
		failure routing.Failure
		matches bool
	}{
		"status":       {routing.Failure{Status: 418}, true},
		"code":         {routing.Failure{Code: "tea"}, true},
		"keyword":      {routing.Failure{Message: "It is TOO hot."}, true},
		"another":      {routing.Failure{Category: inference.Timeout, Status: 500, Code: "coffee", Message: "hot"}, false},
		"nothing said": {routing.Failure{}, false},
	} {
		if want[1].Match.Matches(&c.failure) != c.matches {
			t.Errorf("%s: matches %v", name, !c.matches)
		}
	}
}

func TestParseDisable(t *testing.T) {
	t.Parallel()
	got, err := routing.ParseDisable("p", json.RawMessage(`{"rules":[{"on":["authentication"]},{"on":["permission"],"cooldownSeconds":9,"target":"platform"}],"recoverAfterSeconds":5,"target":"platform_model"}`))
	if err != nil || len(got) != 2 || got[0].Target != routing.UnitModel || got[0].Cooldown != 5*time.Second || got[0].Threshold != 1 ||
		!got[0].Disables || got[1].Target != routing.UnitPlatform || got[1].Cooldown != 9*time.Second || got[1].MaxCooldown != time.Hour {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := routing.ParseDisable("p", json.RawMessage(`{"enabled":false,"rules":[{"on":["permission"]}]}`)); err != nil || got == nil || len(got) != 0 {
		t.Errorf("switched off: %+v, %v", got, err)
	}
}

func TestParseRunner(t *testing.T) {
	t.Parallel()
	got, err := routing.ParseRunner(routing.RunnerPolicy{
		FailoverPolicy:       json.RawMessage(`{"enabled":false,"maxAttempts":9,"maxElapsedMs":1500,"on":["timeout"]}`),
		HardStopPolicy:       json.RawMessage(`{"on":["permission"]}`),
		PriorityDemotePolicy: json.RawMessage(`{"rules":[{"on":["timeout"],"step":4,"recoverAfterSeconds":8}]}`),
	})
	if err != nil || got.Failover != (routing.Failover{MaxAttempts: 9, MaxElapsed: 1500 * time.Millisecond, On: routing.CategoriesOf(inference.Timeout)}) ||
		got.HardStop != routing.CategoriesOf(inference.Permission) || len(got.Demote) != 1 || got.Demote[0].Step != 4 ||
		got.Demote[0].Cooldown != 8*time.Second || got.Demote[0].Target != routing.UnitPlatform {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := routing.ParseRunner(routing.RunnerPolicy{}); err != nil || !reflect.DeepEqual(got, routing.DefaultRunner()) {
		t.Errorf("nothing said: %+v, %v", got, err)
	}
}

func TestPoliciesAreRefusedWithThePath(t *testing.T) {
	t.Parallel()
	runner := func(p routing.RunnerPolicy) error { _, err := routing.ParseRunner(p); return err }
	for path, f := range map[string]func() error{
		"r.maxAttempts": func() error { _, err := routing.ParseRetry("r", json.RawMessage(`{"maxAttempts":0}`)); return err },
		"r.tries":       func() error { _, err := routing.ParseRetry("r", json.RawMessage(`{"tries":1}`)); return err },
		"r.backoff.jitters": func() error {
			_, err := routing.ParseRetry("r", json.RawMessage(`{"backoff":{"jitters":1}}`))
			return err
		},
		"r.backoff.jitter": func() error {
			_, err := routing.ParseRetry("r", json.RawMessage(`{"backoff":{"jitter":-1}}`))
			return err
		},
		"r.on[1]": func() error {
			_, err := routing.ParseRetry("r", json.RawMessage(`{"on":["timeout","bored"]}`))
			return err
		},
		"d.rules[0]": func() error {
			_, err := routing.ParseDegrade("d", json.RawMessage(`{"rules":[{"threshold":1}]}`))
			return err
		},
		"d.rules[0].target": func() error {
			_, err := routing.ParseDegrade("d", json.RawMessage(`{"rules":[{"on":["timeout"],"target":"me"}]}`))
			return err
		},
		"d.rules[1].cooldownSeconds": func() error {
			_, err := routing.ParseDegrade("d", json.RawMessage(`{"rules":[{"on":["timeout"]},{"cooldownSeconds":99999999999}]}`))
			return err
		},
		"a.rules[0].step": func() error {
			_, err := routing.ParseDisable("a", json.RawMessage(`{"rules":[{"on":["timeout"],"step":1}]}`))
			return err
		},
		"failoverPolicy.hedge.delayMs": func() error {
			return runner(routing.RunnerPolicy{FailoverPolicy: json.RawMessage(`{"hedge":{"delayMs":5}}`)})
		},
		"failoverPolicy.hedge.afterMs": func() error {
			return runner(routing.RunnerPolicy{FailoverPolicy: json.RawMessage(`{"hedge":{"enabled":true}}`)})
		},
		"failoverPolicy.hedge.kinds[1]": func() error {
			return runner(routing.RunnerPolicy{FailoverPolicy: json.RawMessage(`{"hedge":{"kinds":["embeddings","dreams"]}}`)})
		},
		"hardStopPolicy.on": func() error { return runner(routing.RunnerPolicy{HardStopPolicy: json.RawMessage(`{"on":"timeout"}`)}) },
		"priorityDemotePolicy.rules[0].cooldownSeconds": func() error {
			return runner(routing.RunnerPolicy{PriorityDemotePolicy: json.RawMessage(`{"rules":[{"on":["timeout"],"cooldownSeconds":1}]}`)})
		},
	} {
		if err := fault.From(f()); err == nil || err.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestPrecedence takes the places away one after the other, from the most to the least specific: the next one counts.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	retry := func(n string) json.RawMessage { return json.RawMessage(`{"maxAttempts":` + n + `}`) }
	override := func(n string) json.RawMessage { return json.RawMessage(`{"retryPolicy":` + string(retry(n)) + `}`) }
	sets := []routing.PolicySet{
		{ID: id.New(), RetryPolicy: retry("3")},
		{ID: id.New(), RetryPolicy: retry("6")},
		{ID: id.New(), RetryPolicy: retry("8")},
		{ID: id.New(), RetryPolicy: retry("9"), Default: true, Status: "active"},
	}
	m := routing.PlatformModel{RuntimePolicyOverride: override("1"), RetryPolicy: retry("2"), RuntimePolicySetID: sets[0].ID}
	p := routing.Platform{RetryPolicy: retry("4"), RuntimePolicy: override("5"), RuntimePolicySetID: sets[1].ID}
	base := catalog.BaseModel{RuntimePolicyOverride: override("7"), RuntimePolicySetID: sets[2].ID}
	take := []func(){
		func() {}, func() { m.RuntimePolicyOverride = json.RawMessage(`{}`) }, func() { m.RetryPolicy = nil },
		func() { m.RuntimePolicySetID = id.ID{} }, func() { p.RetryPolicy = json.RawMessage(`{}`) },
		func() { p.RuntimePolicy = nil }, func() { p.RuntimePolicySetID = id.New() },
		func() { base.RuntimePolicyOverride = json.RawMessage(`{"degradePolicy":{"rules":[]}}`) },
		func() { sets[2].Status = "disabled" },
		func() { sets[3].Default = false },
	}
	for i, step := range take {
		step()
		got, err := routing.NewPolicyBook(sets).Of(&p, &m, &base)
		want := i + 1
		if want == 10 {
			want = routing.DefaultRetry().MaxAttempts
		}
		if err != nil || got.Retry.MaxAttempts != want {
			t.Errorf("place %d: %d attempts, %v", i+1, got.Retry.MaxAttempts, err)
		}
		if degrade := len(got.Degrade); degrade != 2 && i < 7 || degrade != 0 && i >= 7 {
			t.Errorf("place %d: %d rules; each policy is looked for on its own", i+1, degrade)
		}
	}
	m.RetryPolicy = json.RawMessage(`{"maxAttempts":"many"}`)
	got, err := routing.NewPolicyBook(nil).Of(&p, &m, nil)
	if f := fault.From(err); f == nil || got.Retry.MaxAttempts != 2 || len(got.Disable) != 1 {
		t.Errorf("one that cannot be read: %+v, %v", got, err)
	}
}

func TestBackoffDoublesUpToItsMost(t *testing.T) {
	t.Parallel()
	b := routing.Backoff{Initial: time.Second, Max: 5 * time.Second, Multiplier: 2, Jitter: .5}
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		tries := i + 1
		if got := b.Wait(tries, 0); got != want {
			t.Errorf("after %d tries %v", tries, got)
		}
		if got := b.Wait(tries, .999); got < want/2 || got > want*6/10 {
			t.Errorf("after %d tries, with jitter, %v", tries, got)
		}
	}
	if got := b.Wait(100, 0); got != 5*time.Second {
		t.Errorf("after many tries %v", got)
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	for i, c := range inference.Categories {
		s := routing.CategoriesOf(c)
		for j, o := range inference.Categories {
			if s.Has(o) != (i == j) {
				t.Errorf("{%s} has %s: %v", c, o, s.Has(o))
			}
		}
	}
	if routing.CategoriesOf("bored") != 0 || routing.CategoriesOf(inference.Categories...).Has("bored") {
		t.Error("what is no category is in a set")
	}
}

func TestKeyStrategyIsNotTheAdaptersBusiness(t *testing.T) {
	t.Parallel()
	c, err := routing.ParseConfig(json.RawMessage(`{"credentialStrategy":"sticky","organization":"o"}`))
	if c.KeyStrategy != routing.KeysByConversation || string(c.Adapter) != `{"organization":"o"}` || err != nil {
		t.Errorf("%q, %s, %v", c.KeyStrategy, c.Adapter, err)
	}
	_, err = routing.ParseConfig(json.RawMessage(`{"credentialStrategy":"best"}`))
	if f := fault.From(err); f == nil || f.Path != "config.credentialStrategy" {
		t.Errorf("%v", err)
	}
	w := newWorld(t)
	in := draft()
	in.Config = json.RawMessage(`{"credentialStrategy":"polling"}`)
	if _, err := w.CreatePlatform(t.Context(), admin, in); err != nil {
		t.Error(err)
	}
}
