package gemini_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

const hello = `"contents":[{"role":"user","parts":[{"text":"Weather in Kyiv?"}]}]`

func peek(t *testing.T, body string) wire.Ask {
	t.Helper()
	a, err := gemini.Generate{Model: "gemini-2.5-pro"}.Peek([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return a
}

func TestPeekReadsWhatRoutingAndPricingNeed(t *testing.T) {
	t.Parallel()
	a := peek(t, `{`+hello+`,"generation_config":{"max_output_tokens":256,"candidateCount":2},"cachedContent":"cachedContents/x",
		"tools":[{"functionDeclarations":[{"name":"f"}]},{"google_search":{}}],"runMode":"Simulation"}`)
	if a.Model != "gemini-2.5-pro" || a.Stream || a.MaxOutput != 256 || a.Choices != 2 || !a.Simulation || !a.WantsUsage {
		t.Errorf("%+v", a)
	}
	if a.StickyKey != "cachedContents/x" || a.Searches == 0 || a.Needs != wire.NeedsTools || a.InputBound < 2_000_000 {
		t.Errorf("%+v", a)
	}
	plain := peek(t, `{`+hello+`}`)
	if plain.Choices != 1 || plain.Needs != 0 || plain.Searches != 0 || plain.MaxOutput != 0 || plain.InputBound > 200 || plain.InputBound < 50 {
		t.Errorf("%+v", plain)
	}
	if a := peek(t, `{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}},{"file_data":{"file_uri":"gs://a","mime_type":"audio/wav"}}]}]}`); a.Needs != wire.NeedsImages || a.InputBound < 33_000 {
		t.Errorf("%+v", a)
	}
	said := peek(t, `{"contents":[{"parts":[{"text":"say \"inlineData\": {\"mimeType\":\"image/png\"}"}]}],"tools":[{"functionDeclarations":[]}]}`)
	if said.Needs != 0 {
		t.Errorf("a text that speaks of pictures is taken for one: %+v", said)
	}
}

func TestPeekRefusesWithThePath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, path, code string }{
		{`[]`, "", "invalid_json"},
		{`{"contents":1`, "", "invalid_json"},
		{`{}`, "contents", "invalid_parameter"},
		{`{"contents":[]}`, "contents", "invalid_parameter"},
		{`{"contents":"hi"}`, "contents", "invalid_parameter"},
		{`{` + hello + `,` + hello + `}`, "contents", "duplicate_key"},
		{`{` + hello + `,"Contents":[]}`, "contents", "duplicate_key"},
		{`{` + hello + `,"generationconfig":{}}`, "generationConfig", "invalid_parameter"},
		{`{` + hello + `,"generationConfig":{},"generation_config":{}}`, "generationConfig", "duplicate_key"},
		{`{` + hello + `,"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}`, "generationConfig.maxOutputTokens", "duplicate_key"},
		{`{` + hello + `,"generationConfig":[]}`, "generationConfig", "invalid_parameter"},
		{`{` + hello + `,"generationConfig":{"maxOutputTokens":"1"}}`, "generationConfig.maxOutputTokens", "invalid_parameter"},
		{`{` + hello + `,"generationConfig":{"maxOutputTokens":1e3}}`, "generationConfig.maxOutputTokens", "invalid_parameter"},
		{`{` + hello + `,"generationConfig":{"maxOutputTokens":-1}}`, "generationConfig.maxOutputTokens", "invalid_parameter"},
		{`{` + hello + `,"generationConfig":{"candidateCount":9}}`, "generationConfig.candidateCount", "invalid_parameter"},
		{`{` + hello + `,"tools":{}}`, "tools", "invalid_parameter"},
		{`{` + hello + `,"model":"models/other"}`, "model", "invalid_parameter"},
		{`{` + hello + `,"model":7}`, "model", "invalid_parameter"},
		{`{` + hello + `,"runMode":1}`, "runMode", "invalid_parameter"},
		{`{"contents":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`, "", "json_too_deep"},
	} {
		_, err := gemini.Generate{Model: "gemini-2.5-pro"}.Peek([]byte(c.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Path != c.path || f.Code != c.code || f.Status != 400 {
			t.Errorf("%.80s: %v", c.body, err)
		}
	}
}

func TestEditChangesNothingButWhatMust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, want string
		change           wire.Change
	}{
		{"nothing", `{ ` + hello + ` }`, `{ ` + hello + ` }`, wire.Change{Model: "up"}},
		{"a config of its own", `{ ` + hello + `}`, `{"generationConfig":{"maxOutputTokens":5}, ` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"into the config", `{"generationConfig":{ "topK":1},` + hello + `}`, `{"generationConfig":{"maxOutputTokens":5, "topK":1},` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"into an empty one", `{"generation_config":{},` + hello + `}`, `{"generation_config":{"maxOutputTokens":5},` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"in place of null", `{"generationConfig":null,` + hello + `}`, `{"generationConfig":{"maxOutputTokens":5},` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"in place of a null cap", `{"generationConfig":{"max_output_tokens":null},` + hello + `}`, `{"generationConfig":{"max_output_tokens":5},` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"the cap that is there", `{"generationConfig":{"maxOutputTokens":5},` + hello + `}`, `{"generationConfig":{"maxOutputTokens":5},` + hello + `}`, wire.Change{MaxOutput: 5}},
		{"model and mode", `{"model":"models/m","runMode":"simulation",` + hello + `}`, `{"model":"models/up",` + hello + `}`, wire.Change{Model: "up"}},
	} {
		g := gemini.Generate{Model: "m"}
		a, err := g.Peek([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(g.Edit(nil, []byte(c.body), &a, c.change)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTextIsWhatIsSaid(t *testing.T) {
	t.Parallel()
	body := `{"system_instruction":{"parts":{"text":"be brief"}},"contents":[{"parts":[{"text":"a\u0062"},{"inlineData":{"mimeType":"text","data":"xx"}}]},{"role":"model","parts":[{"text":"c"}]}]}`
	a := peek(t, body)
	g := gemini.Generate{Model: "gemini-2.5-pro"}
	if got := g.Text([]byte(body), &a, 1000); got != "be brief\nab\nc" {
		t.Errorf("got %q", got)
	}
	if got := g.Text([]byte(body), &a, 5); got != "be brief" {
		t.Errorf("got %q", got)
	}
	if n := g.InputTokens([]byte(body), &a); n < 3 || n > 4000 {
		t.Errorf("estimated %d", n)
	}
}

func TestCountTokensTakesContentsOrAWholeRequest(t *testing.T) {
	t.Parallel()
	one, err := gemini.CountTokens([]byte(`{`+hello+`}`), "m", 0)
	if err != nil || one < 3 {
		t.Fatalf("%d, %v", one, err)
	}
	more, err := gemini.CountTokens([]byte(`{"generateContentRequest":{"model":"models/m",`+hello+`,"systemInstruction":{"parts":[{"text":"be brief, and polite"}]}}}`), "m", 0)
	if err != nil || more <= one {
		t.Errorf("%d, %v", more, err)
	}
	for _, bad := range []string{`{}`, `{` + hello + `,"generateContentRequest":{}}`, `{"generateContentRequest":{"model":"models/x",` + hello + `}}`, `{"generateContentRequest":1}`} {
		if _, err := gemini.CountTokens([]byte(bad), "m", 0); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if got := string(gemini.TokenCount(7)); got != `{"totalTokens":7}` {
		t.Error(got)
	}
}
