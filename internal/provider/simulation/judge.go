package simulation

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// categories are what the protocol judges by, with words that the engine takes for a sign. Source: the provider sheet "openai",
// section 6.
var categories = []struct {
	name  string
	signs []string
}{
	{"harassment", []string{"idiot", "loser", "白痴"}},
	{"harassment/threatening", []string{"i will hurt you", "我要揍你"}},
	{"hate", []string{"subhuman", "劣等"}},
	{"hate/threatening", []string{"exterminate them"}},
	{"illicit", []string{"pick a lock", "counterfeit", "假币"}},
	{"illicit/violent", []string{"build a bomb", "制造炸弹"}},
	{"self-harm", []string{"self-harm", "自残"}},
	{"self-harm/intent", []string{"hurt myself", "伤害自己"}},
	{"self-harm/instructions", []string{"how to hurt myself"}},
	{"sexual", []string{"explicit", "色情"}},
	{"sexual/minors", nil},
	{"violence", []string{"kill", "attack", "杀死"}},
	{"violence/graphic", []string{"gore", "血腥"}},
}

// judge looks for signs. What has none gets scores that depend on the text alone.
func (e *engine) judge(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	facts, err := wire.PeekModeration(c.Body)
	if err != nil {
		return refusalOf(err).response(c), nil
	}
	if !is(facts.Model, moderationModel) {
		return unknownModel(facts.Model).response(c), nil
	}
	inputs, ok := judged(c.Body)
	if !ok {
		return bad("input", "invalid_type", "'input' must be a string, an array of strings, or an array of parts.").response(c), nil
	}
	if err := pause(ctx, p.firstToken()); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	results := make([]any, len(inputs))
	for i, text := range inputs {
		results[i] = verdict(text)
	}
	out := map[string]any{"id": "modr-sim" + hexOf(digestOf(inputs...)), "model": facts.Model, "results": results}
	return e.whole(c, []byte(compact(out)), p), nil
}

// judged are the texts that are to be judged: parts are judged together.
func judged(body []byte) ([]string, bool) {
	var in struct {
		Input json.RawMessage `json:"input"`
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, false
	}
	var one string
	if json.Unmarshal(in.Input, &one) == nil {
		return []string{one}, true
	}
	var many []string
	if json.Unmarshal(in.Input, &many) == nil {
		return many, true
	}
	m := message{Content: in.Input}
	ok := m.read()
	return []string{m.text}, ok
}

// verdict is the result for one text.
func verdict(text string) map[string]any {
	plain, flagged := strings.ToLower(text), false
	found, score, applied := map[string]bool{}, map[string]float64{}, map[string][]string{}
	for _, c := range categories {
		sure := false
		for _, sign := range c.signs {
			sure = sure || strings.Contains(plain, sign)
		}
		doubt := digestOf(c.name, text) % 1000
		found[c.name], score[c.name] = sure, float64(doubt)/100_000
		if sure {
			flagged, score[c.name] = true, 0.9+float64(doubt)/10_000
		}
		applied[c.name] = []string{"text"}
	}
	return map[string]any{"flagged": flagged, "categories": found, "category_scores": score, "category_applied_input_types": applied}
}
