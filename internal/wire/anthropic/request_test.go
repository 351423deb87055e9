package anthropic_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

const question = `{"model":"claude-haiku-4-5","max_tokens":64,"system":"Be brief.","messages":[{"role":"user","content":"Hi"}]}`

func TestPeek(t *testing.T) {
	t.Parallel()
	body := `{"model":"claude-sonnet-4-5","max_tokens":1024,"stream":true,"service_tier":"auto","runMode":"Simulation",
		"metadata":{"user_id":"user_1_session_2"},
		"tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search","max_uses":3}],
		"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x.example/a.png"}},{"type":"text","text":"what?"}]}]}`
	a, err := anthropic.Messages.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if a.Model != "claude-sonnet-4-5" || a.MaxOutput != 1024 || !a.Stream || !a.WantsUsage || a.Choices != 1 || a.Searches != 3 {
		t.Errorf("%+v", a)
	}
	if a.StickyKey != "user_1_session_2" || !a.Simulation || a.ServiceClass != "auto" || a.Needs != wire.NeedsImages|wire.NeedsTools {
		t.Errorf("%+v", a)
	}
	if a.InputBound < 2_000_000 {
		t.Errorf("what searches bring may be read again: %d", a.InputBound)
	}
	if f := anthropic.Messages; f.Kind() != inference.Messages || f.Dialect() != inference.Anthropic {
		t.Errorf("%s in %s", f.Kind(), f.Dialect())
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	with := func(members string) string {
		return `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],` + members + `}`
	}
	for body, path := range map[string]string{
		`{"max_tokens":1,"messages":[{}]}`:                                "model",
		`{"model":1,"max_tokens":1,"messages":[{}]}`:                      "model",
		`{"model":"","max_tokens":1,"messages":[{}]}`:                     "model",
		`{"model":"` + strings.Repeat("m", 300) + `","messages":[{}]}`:    "model",
		`{"model":"m","max_tokens":1}`:                                    "messages",
		`{"model":"m","max_tokens":1,"messages":"hi"}`:                    "messages",
		`{"model":"m","max_tokens":1,"messages":[ ]}`:                     "messages",
		`{"model":"m","messages":[{}]}`:                                   "max_tokens",
		`{"model":"m","max_tokens":0,"messages":[{}]}`:                    "max_tokens",
		`{"model":"m","max_tokens":"9","messages":[{}]}`:                  "max_tokens",
		`{"model":"m","max_tokens":1e400,"messages":[{}]}`:                "max_tokens",
		with(`"stream":"yes"`):                                            "stream",
		with(`"metadata":[]`):                                             "metadata",
		with(`"metadata":{"user_id":7}`):                                  "metadata.user_id",
		with(`"tools":{}`):                                                "tools",
		with(`"tools":["f"]`):                                             "tools.0",
		with(`"tools":[{"name":"f"},{"type":"code_execution_20250825"}]`): "tools.1.type",
		with(`"tools":[{"type":"web_search_20250305","max_uses":-1}]`):    "tools.0.max_uses",
		with(`"model":"other"`):                                           "model",
		with(`"mo\u0064el":"other"`):                                      "model",
		with(`"Model":"other"`):                                           "Model",
		with(`"runMode":1`):                                               "runMode",
		`null`:                                                            "",
		`[]`:                                                              "",
		`{"model":"m"`:                                                    "",
		question + "{}":                                                   "",
	} {
		_, err := anthropic.Messages.Peek([]byte(body))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Status != 400 || !strings.EqualFold(f.Path, path) {
			t.Errorf("%s: %v, want it at %q", body, err, path)
		}
	}
	if _, err := anthropic.CountTokens.Peek([]byte(`{"model":"m","messages":[{"role":"user","content":"x"}]}`)); err != nil {
		t.Errorf("a count needs no limit: %v", err)
	}
}

func TestEditChangesNothingElse(t *testing.T) {
	t.Parallel()
	body := "{ \"runMode\" : \"live\",\n \"model\":\"a\", \"max_tokens\": 5 ,\"x\":[1.0, 2e3],\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\"}]}"
	a, err := anthropic.Messages.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got := anthropic.Messages.Edit(nil, []byte(body), &a, wire.Change{Model: "b\"", MaxOutput: 7})
	want := "{ \n \"model\":\"b\\\"\", \"max_tokens\": 7 ,\"x\":[1.0, 2e3],\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9\"}]}"
	if strings.ReplaceAll(string(got), " ", "") != strings.ReplaceAll(want, " ", "") || !json.Valid(got) {
		t.Errorf("got %s", got)
	}
	plain, err := anthropic.CountTokens.Peek([]byte(`{"model":"a","messages":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := anthropic.Messages.Edit(nil, []byte(`{"model":"a","messages":[{}]}`), &plain, wire.Change{MaxOutput: 7}); string(got) != `{"max_tokens":7,"model":"a","messages":[{}]}` {
		t.Errorf("got %s", got)
	}
	whole, _ := anthropic.Messages.Peek([]byte(question))
	if got := anthropic.Messages.Edit(nil, []byte(question), &whole, wire.Change{Model: "claude-haiku-4-5", MaxOutput: 64}); string(got) != question {
		t.Errorf("got %s", got)
	}
}

func TestTextAndCounts(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"m","max_tokens":9,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[
		{"role":"user","content":"first"},
		{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"42"}]},{"type":"text","text":"so?"}]}]}`)
	a, err := anthropic.Messages.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	texter, counting := anthropic.Messages.(wire.Texter), anthropic.Messages.(wire.Counting) //nolint:forcetypeassert // guards say so
	if got := texter.Text(body, &a, 1000); got != "Be brief.\nfirst\n42\nso?" {
		t.Errorf("text %q", got)
	}
	if got := texter.Text(body, &a, 3); got != "Be brief." {
		t.Errorf("text %q", got)
	}
	estimate, counted := anthropic.Messages.InputTokens(body, &a), counting.CountInput(body, &a, tokens.O200k)
	if estimate < counted || estimate > a.InputBound || counted < 15 || counted > 60 {
		t.Errorf("estimated %d, counted %d, bound %d", estimate, counted, a.InputBound)
	}
	answer := []byte(`{"type":"message","content":[{"type":"text","text":"Hello.\nThere"},{"type":"tool_use","name":"get","input":{"city":"Kyiv"}}]}`)
	if n := counting.CountAnswer(answer, tokens.O200k); n < 8 || n > 16 {
		t.Errorf("counted %d", n)
	}
}

func TestFilesAreNotCountedAsText(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` +
		strings.Repeat("A", 100_000) + `"}},{"type":"text","text":"the \"data\" is here"}]}]}`)
	a, err := anthropic.Messages.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	if n := anthropic.Messages.InputTokens(body, &a); n < 1600 || n > 2000 || a.InputBound < 100_000 {
		t.Errorf("%d tokens, bound %d", n, a.InputBound)
	}
}

func FuzzPeek(f *testing.F) {
	f.Add(question)
	f.Add(`{"model":"m","max_tokens":1,"tools":[{"type":"web_search_20250305"}],"messages":[{"content":[{"type":"document"}]}],"runMode":"simulation"}`)
	f.Add(`{"messages":[{"content":[{"data":"x","data"`)
	f.Fuzz(func(t *testing.T, body string) {
		a, err := anthropic.Messages.Peek([]byte(body))
		if err != nil {
			if !errors.As(err, new(*fault.Error)) {
				t.Fatalf("%v is no fault", err)
			}
			return
		}
		if n := anthropic.Messages.InputTokens([]byte(body), &a); n < 0 {
			t.Errorf("%d tokens", n)
		}
		out := anthropic.Messages.Edit(nil, []byte(body), &a, wire.Change{Model: "other", MaxOutput: 3})
		b, err := anthropic.Messages.Peek(out)
		if err != nil || b.Model != "other" || b.MaxOutput != 3 || b.Simulation || b.Stream != a.Stream {
			t.Errorf("%s became %s: %v", body, out, err)
		}
	})
}
