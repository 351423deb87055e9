package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

func TestParseCapabilities(t *testing.T) {
	t.Parallel()
	got, err := catalog.ParseCapabilities("capabilities", json.RawMessage(
		`{"inputModalities":["text","image"],"features":["tools"],"contextWindow":128000,"maxOutputTokens":4096,"params":{"type":"object"}}`))
	if err != nil || len(got.InputModalities) != 2 || got.Features[0] != "tools" || got.ContextWindow != 128_000 ||
		got.MaxOutputTokens != 4096 || string(got.Params) != `{"type":"object"}` {
		t.Errorf("%+v, %v", got, err)
	}
	for text, path := range map[string]string{
		`[]`:                                "capabilities",
		`"x"`:                               "capabilities",
		`{`:                                 "capabilities",
		`{"contextwindow":1}`:               "capabilities.contextwindow",
		`{"contextWindow":null}`:            "capabilities.contextWindow",
		`{"contextWindow":-1}`:              "capabilities.contextWindow",
		`{"contextWindow":1.5}`:             "capabilities.contextWindow",
		`{"maxOutputTokens":1e30}`:          "capabilities.maxOutputTokens",
		`{"features":"tools"}`:              "capabilities.features",
		`{"features":["a","b\u0000"]}`:      "capabilities.features[1]",
		`{"outputModalities":[5]}`:          "capabilities.outputModalities",
		`{"params":[]}`:                     "capabilities.params",
		`{"features":["` + long(65) + `"]}`: "capabilities.features[0]",
	} {
		if _, err := catalog.ParseCapabilities("capabilities", json.RawMessage(text)); fault.From(err) == nil || fault.From(err).Path != path {
			t.Errorf("%s: %v, want a fault at %s", text, err, path)
		}
	}
	for _, text := range []string{``, `null`, `{}`} {
		if _, err := catalog.ParseCapabilities("capabilities", json.RawMessage(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func FuzzParseCapabilities(f *testing.F) {
	f.Add(`{"features":["a"],"contextWindow":1,"params":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := catalog.ParseCapabilities("c", json.RawMessage(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := catalog.ParseCapabilities("c", again); err != nil {
			t.Errorf("%s was read, but not as %s: %v", text, again, err)
		}
	})
}
