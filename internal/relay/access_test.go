package relay_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/access"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// rule adds a rule about the fleet's caller and compiles.
func (f *fleet) rule(effect access.Effect, kind access.ResourceType, resource id.ID, conditions string) access.Rule {
	r := access.Rule{
		ID: id.New(), Number: int64(len(f.src.AccessRules) + 1), SubjectType: access.SubjectUser, SubjectID: f.user, ResourceType: kind,
		ResourceID: resource, Effect: effect, Status: access.Active, Conditions: json.RawMessage(conditions),
	}
	f.src.AccessRules = append(f.src.AccessRules, r)
	f.compile()
	return r
}

// TestDeniedIsUnknown: a model that the caller may not use is answered like one that there is not, word for word.
func TestDeniedIsUnknown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1)
	f.rule(access.Deny, access.ResourcePlatform, p.ID, ``)
	for _, more := range []string{"", `,"runMode":"simulation"`, `,"stream":true`} {
		body := `{"model":"%s","max_tokens":10` + more + `,"messages":[{"role":"user","content":"hi"}]}`
		denied, unknown := f.ask(t.Context(), fmt.Sprintf(body, "m")), f.ask(t.Context(), fmt.Sprintf(body, "x"))
		if want := strings.ReplaceAll(unknown.Body.String(), "`x`", "`m`"); denied.Code != 404 || denied.Code != unknown.Code || denied.Body.String() != want {
			t.Errorf("denied: %d %s\nunknown: %d %s", denied.Code, denied.Body, unknown.Code, unknown.Body)
		}
	}
	if n := f.tried(p.Credentials[0].ID); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	_, err := f.relay.Snapshot().Quote(relay.Asker{Principal: f.principal, At: time.Now()}, openai.Chat, []byte(question))
	if err == nil || !strings.Contains(err.Error(), "model_not_found") {
		t.Errorf("quoted: %v", err)
	}
}

// TestDeniedCandidatesAreLeftOut: what is permitted serves, and the task says which rule left out the rest.
func TestDeniedCandidatesAreLeftOut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	first, _ := f.add(0, 1)
	second, m := f.add(1, 1)
	deny := f.rule(access.Deny, access.ResourcePlatform, first.ID, ``)
	allow := f.rule(access.Allow, access.ResourcePlatformModel, m.ID, ``)
	if w := f.ask(t.Context(), question); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if a, b := f.tried(first.Credentials[0].ID), f.tried(second.Credentials[0].ID); a != 0 || b != 1 {
		t.Errorf("tried %d and %d times", a, b)
	}
	var route struct {
		Candidates []struct {
			PlatformName string `json:"platformName"`
			Gate         string `json:"gate"`
			AccessRuleID string `json:"accessRuleId"`
			Chosen       bool   `json:"chosen"`
		} `json:"candidates"`
	}
	if err := json.Unmarshal(f.record(t).Task.Route, &route); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(route.Candidates)
	want := fmt.Sprintf("[{%s access %s false} {%s passed %s true}]", first.Name, deny.ID, second.Name, allow.ID)
	if got != want {
		t.Errorf("candidates %s\nwant %s", got, want)
	}
}

// TestExplainTellsTheRule: an explanation names the rule that decided, for what is denied and for what is not.
func TestExplainTellsTheRule(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	first, _ := f.add(0, 1)
	_, m := f.add(1, 1)
	deny := f.rule(access.Deny, access.ResourcePlatform, first.ID, `{"ip":["10.0.0.0/8"]}`)
	allow := f.rule(access.Allow, access.ResourcePlatformModel, m.ID, ``)
	ask, err := openai.Chat.Peek([]byte(question))
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		"10.1.1.1": "access " + deny.ID.String() + "; passed " + allow.ID.String() + "; ", "192.0.2.1": "passed ; passed " + allow.ID.String() + "; ",
	} {
		e, err := f.relay.Explain(&relay.Inquiry{Principal: f.principal, From: netip.MustParseAddr(from), Kind: inference.Chat, Ask: ask})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, c := range e.Candidates {
			got += c.Gate + " " + c.Rule.String() + "; "
		}
		if got != want || e.Verdict != "served" {
			t.Errorf("from %s: %s, %s; want %s", from, got, e.Verdict, want)
		}
	}
	all := f.rule(access.Deny, access.ResourcePlatformModel, m.ID, ``)
	e, err := f.relay.Explain(&relay.Inquiry{Principal: f.principal, From: netip.MustParseAddr("10.1.1.1"), Kind: inference.Chat, Ask: ask})
	if err != nil || e.Verdict != "refused" || e.Refusal.Code != "model_not_found" || e.Candidates[1].Rule != all.ID {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestFallbackIsAskedForToo: a fallback that the caller may not use is none, and the failure is the first model's.
func TestFallbackIsAskedForToo(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	first, _ := f.add(0, 1)
	second, m := f.add(0, 1)
	m.Alias = "other"
	f.fault(first.ID, "503")
	f.src.ModelRoutes = []routing.ModelRoute{{ID: id.New(), Alias: "m", Fallback: json.RawMessage(`{"model":"other"}`)}}
	f.compile()
	if w := f.ask(t.Context(), question); w.Code != 200 || f.tried(second.Credentials[0].ID) != 1 {
		t.Fatalf("without rules: %d %s", w.Code, w.Body)
	}
	f.rule(access.Deny, access.ResourcePlatform, second.ID, ``)
	if w := f.ask(t.Context(), question); w.Code == 200 || w.Code == 404 || f.tried(second.Credentials[0].ID) != 0 {
		t.Errorf("with a rule: %d %s", w.Code, w.Body)
	}
}

// TestRulesAboutTheRequest: kinds, metadata of the caller's home, and the key.
func TestRulesAboutTheRequest(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1)
	f.compile()
	terms, err := relay.PrepareTerms(identity.Home{
		User: identity.User{Metadata: json.RawMessage(`{"team":"lab"}`)}, Group: identity.Group{Metadata: json.RawMessage(`{"team":"all","floor":2}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.principal.Terms = terms
	for conditions, want := range map[string]int{
		`{"requestKind":["embeddings"]}`: 200, `{"requestKind":["chat.completions"]}`: 404, `{"metadata":{"team":"lab","floor":2}}`: 404,
		`{"metadata":{"team":"all"}}`: 200,
	} {
		f.src.AccessRules = nil
		f.rule(access.Deny, access.ResourcePlatform, p.ID, conditions)
		if w := f.ask(t.Context(), question); w.Code != want {
			t.Errorf("%s: %d %s", conditions, w.Code, w.Body)
		}
	}
}

// TestRulesDoNotAllocate: deciding about a request allocates no more where rules are about its candidates.
func TestRulesDoNotAllocate(t *testing.T) {
	f := newFleet(t, relay.Limits{})
	p, m := f.add(0, 1)
	f.rule(access.Deny, access.ResourcePlatform, p.ID, `{"ip":["10.0.0.0/8"]}`)
	f.rule(access.Deny, access.ResourcePlatformModel, m.ID, `{"requestKind":["embeddings"]}`)
	if n := testing.AllocsPerRun(200, f.relay.PlanAllocations()); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
