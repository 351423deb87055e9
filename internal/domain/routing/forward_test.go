package routing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func all(target string) json.RawMessage {
	return json.RawMessage(`{"rules":[{"type":"all","target":"` + target + `"}]}`)
}

func fallback(model string) json.RawMessage { return json.RawMessage(`{"model":"` + model + `"}`) }

// connected returns a world whose upstream offers the models a, b and c.
func connected(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	if _, err := w.Connect(t.Context(), admin, draft(), []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestModelRoutesAreKeptAuditedAndInForce(t *testing.T) {
	t.Parallel()
	w := connected(t)
	rebuilt := w.rebuilt
	r, err := w.PutModelRoute(t.Context(), admin, "a", routing.NewModelRoute{Forward: all("b"), Fallback: fallback("c")})
	if err != nil || r.Alias != "a" || r.TenantID != admin.TenantID {
		t.Fatalf("%+v, %v", r, err)
	}
	again, err := w.PutModelRoute(t.Context(), admin, "a", routing.NewModelRoute{Fallback: fallback("b")})
	if err != nil || again.ID != r.ID || string(again.Forward) != "{}" {
		t.Fatalf("%+v, %v", again, err)
	}
	if got, err := w.ModelRoute(t.Context(), admin, "a"); err != nil || string(got.Fallback) != `{"model":"b"}` {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.ModelRoute(t.Context(), event.Actor{TenantID: id.New()}, "a"); !errors.Is(err, routing.ErrModelRoute) {
		t.Errorf("another tenant sees it: %v", err)
	}
	if err := w.DeleteModelRoute(t.Context(), admin, "a"); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteModelRoute(t.Context(), admin, "a"); !errors.Is(err, routing.ErrModelRoute) {
		t.Errorf("twice: %v", err)
	}
	var actions []string
	for _, c := range w.changes {
		if c.Category == "model_route" {
			actions = append(actions, c.Action)
		}
	}
	if got := strings.Join(actions, " "); got != "model_route.created model_route.updated model_route.deleted" || w.rebuilt != rebuilt+3 {
		t.Errorf("changes %s, rebuilt %d times", got, w.rebuilt-rebuilt)
	}
}

func TestModelRoutesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := connected(t)
	for path, in := range map[string]string{
		"forward.rules[0].target":                   `[{"type":"all","target":"nowhere"}]`,
		"forward.rules[1].target":                   `[{"type":"all","target":"b"},{"type":"all"}]`,
		"forward.rules[0].type":                     `[{"target":"b"}]`,
		"forward.rules[0].wings":                    `[{"type":"all","target":"b","wings":2}]`,
		"forward.rules[0].keywords":                 `[{"type":"keyword","target":"b"}]`,
		"forward.rules[0].keywords[1]":              `[{"type":"keyword","target":"b","keywords":["x",""]}]`,
		"forward.rules[0].match":                    `[{"type":"keyword","target":"b","keywords":["x"],"match":"most"}]`,
		"forward.rules[0].pattern":                  `[{"type":"regex","target":"b","pattern":"(?=x)"}]`,
		"forward.rules[0]":                          `[{"type":"length","target":"b"}]`,
		"forward.rules[0].maxTokens":                `[{"type":"length","target":"b","minTokens":9,"maxTokens":8}]`,
		"forward.rules[0].minTokens":                `[{"type":"length","target":"b","minTokens":-1}]`,
		"forward.rules[0].decision":                 `[{"type":"decision"}]`,
		"forward.rules[0].decision.model":           `[{"type":"decision","decision":{"model":"nowhere","prompt":"p","targets":{"x":"b"}}}]`,
		"forward.rules[0].decision.prompt":          `[{"type":"decision","decision":{"model":"c","targets":{"x":"b"}}}]`,
		"forward.rules[0].decision.targets":         `[{"type":"decision","decision":{"model":"c","prompt":"p"}}]`,
		"forward.rules[0].decision.targets.x":       `[{"type":"decision","decision":{"model":"c","prompt":"p","targets":{"x":"nowhere"}}}]`,
		"forward.rules[0].decision.targets.two two": `[{"type":"decision","decision":{"model":"c","prompt":"p","targets":{"two two":"b"}}}]`,
		"forward.rules[0].decision.timeoutMs":       `[{"type":"decision","decision":{"model":"c","prompt":"p","targets":{"x":"b"},"timeoutMs":600000}}]`,
	} {
		_, err := w.PutModelRoute(t.Context(), admin, "a", routing.NewModelRoute{Forward: json.RawMessage(`{"rules":` + in + `}`)})
		if fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v, want a fault at %s", in, err, path)
		}
	}
	for path, in := range map[string]string{
		"fallback.model": `{"model":"nowhere"}`, "fallback.platformId": `{"platformId":"` + id.New().String() + `"}`, "fallback.x": `{"x":1}`,
	} {
		_, err := w.PutModelRoute(t.Context(), admin, "a", routing.NewModelRoute{Fallback: json.RawMessage(in)})
		if fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v", in, err)
		}
	}
	if _, err := w.PutModelRoute(t.Context(), admin, "two words", routing.NewModelRoute{}); fault.From(err) == nil || fault.From(err).Path != "alias" {
		t.Errorf("an alias with a space: %v", err)
	}
}

func TestLoopsAreRefused(t *testing.T) {
	t.Parallel()
	w := connected(t)
	put := func(alias string, forward, fall json.RawMessage) string {
		_, err := w.PutModelRoute(t.Context(), admin, alias, routing.NewModelRoute{Forward: forward, Fallback: fall})
		if err == nil {
			return ""
		}
		return fault.From(err).Path
	}
	for i, step := range []struct {
		alias          string
		forward, other json.RawMessage
		want           string
	}{
		{"a", all("a"), nil, ""}, // stays
		{"a", all("b"), nil, ""},
		{"b", all("c"), nil, ""},
		{"c", all("a"), nil, "forward.rules[0].target"},
		{"c", json.RawMessage(`{"rules":[{"type":"decision","decision":{"model":"b","prompt":"p","targets":{"x":"a"}}}]}`), nil, "forward.rules[0].decision.targets.x"},
		{"a", nil, fallback("a"), "fallback.model"},
		{"a", nil, fallback("b"), ""},
		{"b", nil, fallback("a"), "fallback.model"},
		{"auto", all("a"), fallback("c"), ""}, // a name that only rules serve
		{"c", all("auto"), nil, ""},
		{"a", all("c"), nil, "forward.rules[0].target"},
	} {
		if got := put(step.alias, step.forward, step.other); got != step.want {
			t.Errorf("step %d: fault at %q, want %q", i, got, step.want)
		}
	}
}
