package translate_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

// sealed are requests in which callers send back a seal, in place of %.
var sealed = []struct {
	codec        wire.Codec
	body         string
	own, foreign []string
}{
	{
		anthropic.Codec, `{"model":"m","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[` +
			`{"type":"thinking","thinking":"hm","signature":"%"},{"type":"tool_use","id":"t","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]}`,
		[]string{"EqQBCgIYAhIM"},
		[]string{"gantry:openai:gAAAA"},
	},
	{
		anthropic.Codec, `{"model":"m","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[` +
			`{"type":"redacted_thinking","data": "%"},{"type":"tool_use","id":"t","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]}`,
		[]string{"EmwKAhgB"},
		[]string{"gantry:gemini:abc"},
	},
	{
		openai.ResponsesCodec, `{"model":"m","input":[{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"%"},` +
			`{"type":"function_call","call_id":"t","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"t","output":"x"}]}`,
		[]string{"gAAAAABo"},
		[]string{"gantry:anthropic:t:EqQB"},
	},
	{
		openai.ResponsesCodec, `{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"t","name":"f","arguments":"{}"},` +
			`{"type":"reasoning","summary":[],"encrypted_content":"%"},{"type":"function_call_output","call_id":"t","output":"x"}]}`,
		nil,
		[]string{"gantry:gemini:b:abc"},
	},
	{
		gemini.Codec, `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"id":"t","name":"f","args":{}},"thoughtSignature":"%"}]},` +
			`{"role":"user","parts":[{"functionResponse":{"id":"t","name":"f","response":{"a":1}}}]}]}`,
		[]string{"CiQBVKhc"},
		[]string{base64.StdEncoding.EncodeToString([]byte("gantry-seal:anthropic-EqQB"))},
	},
}

// TestForeignSealsStayHere: what a provider of another family sealed is found, and is left out with a word in the log; what the
// upstream's own sealed goes back to it.
func TestForeignSealsStayHere(t *testing.T) {
	t.Parallel()
	for _, c := range sealed {
		finder := c.codec.(wire.SealFinder) //nolint:forcetypeassert // it is what is tested
		for _, seal := range append(c.own, c.foreign...) {
			body := strings.ReplaceAll(c.body, "%", seal)
			foreign := strings.Contains(strings.Join(c.foreign, " "), seal)
			if finder.ForeignSeals([]byte(body)) != foreign {
				t.Errorf("found, or not: %s", body)
			}
			x := asked(t, bridgeOf(c.codec, c.codec), body)
			if strings.Contains(string(x.Body), seal) == foreign || finder.ForeignSeals(x.Body) {
				t.Errorf("%s becomes %s", body, x.Body)
			}
			if foreign != (len(x.Losses) > 0) {
				t.Errorf("%s: %+v", seal, x.Losses)
			}
		}
	}
}

// TestNothingIsTakenForASeal: conversations without any go through as they are.
func TestNothingIsTakenForASeal(t *testing.T) {
	t.Parallel()
	for _, c := range sealed {
		for seed := range uint64(rounds / 3) {
			body, err := c.codec.EncodeRequest(wiretest.NewSource(seed).Prompt(), wire.EncodeOptions{}, &wire.Losses{})
			if err != nil {
				t.Fatal(err)
			}
			if c.codec.(wire.SealFinder).ForeignSeals(body) { //nolint:forcetypeassert // see above
				t.Errorf("%s", body)
			}
		}
	}
}

// TestSignaturesOfCalls go to Google's models alone: strict servers refuse what they do not know.
func TestSignaturesOfCalls(t *testing.T) {
	t.Parallel()
	const body = `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"t","type":"function",` +
		`"function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"CiQB"}}}]},{"role":"tool","tool_call_id":"t","content":"x"}]}`
	for model, kept := range map[string]bool{"google/gemini-3-pro": true, "mistral-large": false} {
		x, err := bridgeOf(openai.ChatCodec, openai.ChatCodec).Request([]byte(body), model, false, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(x.Body), "CiQB") != kept || (len(x.Losses) == 0) != kept {
			t.Errorf("%s: %s %+v", model, x.Body, x.Losses)
		}
	}
}
