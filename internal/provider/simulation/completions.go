package simulation

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// completionRequest is a request to go on with a text, as far as the engine goes by it.
type completionRequest struct {
	Prompt json.RawMessage `json:"prompt"`
	N      *int            `json:"n"`
	BestOf *int            `json:"best_of"`
	Echo   bool            `json:"echo"`
	Seed   json.RawMessage `json:"seed"`

	facts   wire.Facts
	prompts [][]string // in tokens
}

func (e *engine) completions(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	r, refusal := readCompletion(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	choices, told := r.complete(p)
	if p.fault == faultNoUsage {
		told = nil
	}
	if c.Stream {
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", newScript(ctx, e.now, p, e.completionBeats(r, choices, told))), nil
	}
	if err := pause(ctx, p.firstToken()+p.spend(spokenBy(choices))); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	data := make([]any, len(choices))
	for i := range choices {
		data[i] = completionChoice(i, strings.Join(choices[i].text, ""), choices[i].finish)
	}
	out := e.completionHead(r, data)
	if told != nil {
		out["usage"] = told
	}
	return e.whole(c, []byte(compact(out)), p), nil
}

func readCompletion(c *provider.Call) (*completionRequest, *failure) {
	facts, err := wire.PeekCompletion(c.Body)
	if err != nil {
		return nil, refusalOf(err)
	}
	if !is(facts.Model, chatModel) {
		return nil, unknownModel(facts.Model)
	}
	r := &completionRequest{facts: facts}
	if err := json.Unmarshal(c.Body, r); err != nil {
		return nil, typeRefusal(err)
	}
	var ok bool
	if r.prompts, ok = readInputs(r.Prompt); !ok {
		return nil, bad("prompt", "invalid_value", "'prompt' must be a text or tokens, or several of them, none empty.")
	}
	return r, nil
}

// complete goes on with every prompt, n times each; what is made to choose among is counted and not shown.
func (r *completionRequest) complete(p plan) (choices []choice, told *usage) {
	told, n := &usage{}, 1
	if r.N != nil {
		n = *r.N
	}
	tries := n
	if r.BestOf != nil {
		tries = max(n, *r.BestOf)
	}
	for _, prompt := range r.prompts {
		told.PromptTokens += len(prompt)
		for i := range tries {
			made := r.goOn(strings.Join(prompt, ""), i, p)
			told.CompletionTokens += len(made.text)
			if r.Echo {
				made.text = append(append([]string(nil), prompt...), made.text...)
			}
			if i < n {
				choices = append(choices, made)
			}
		}
	}
	told.TotalTokens = told.PromptTokens + told.CompletionTokens
	return choices, told
}

func (r *completionRequest) goOn(prompt string, i int, p plan) choice {
	source := rand.New(rand.NewPCG(digestOf(r.facts.Model, prompt, string(r.Seed)), uint64(i+1)*golden)) //nolint:gosec // reproducible on purpose; i is at least 0
	w := newWriter(source, prompt)
	out := choice{text: cut(" " + w.text()), finish: "stop"}
	if p.tokens > 0 {
		out.text = w.thought(p.tokens)
	}
	if limit := int(r.facts.MaxOutput); len(out.text) > limit {
		out.text, out.finish = out.text[:limit], "length"
	}
	return out
}

func spokenBy(choices []choice) (n int) {
	for i := range choices {
		n += len(choices[i].text)
	}
	return n
}

func (e *engine) completionHead(r *completionRequest, choices []any) map[string]any {
	return map[string]any{
		"id": "cmpl-sim" + hexOf(digestOf(r.facts.Model, string(r.Prompt))), "object": "text_completion", "created": e.now().Unix(),
		"model": r.facts.Model, "choices": choices, "system_fingerprint": fingerprint,
	}
}

func completionChoice(i int, text, finish string) map[string]any {
	out := map[string]any{"index": i, "text": text, "logprobs": nil, "finish_reason": nil}
	if finish != "" {
		out["finish_reason"] = finish
	}
	return out
}

// completionBeats are the events of a stream.
func (e *engine) completionBeats(r *completionRequest, choices []choice, told *usage) (out []beat) {
	add := func(tokens int, last bool, told any, choices ...any) {
		if choices == nil {
			choices = []any{}
		}
		head := e.completionHead(r, choices)
		if r.facts.IncludeUsage {
			head["usage"] = told
		}
		out = append(out, beat{event: []byte("data: " + compact(head) + "\n\n"), tokens: tokens, last: last})
	}
	for i := range choices {
		for _, token := range choices[i].text {
			add(1, false, nil, completionChoice(i, token, ""))
		}
		add(0, i == len(choices)-1, nil, completionChoice(i, "", choices[i].finish))
	}
	if r.facts.IncludeUsage && told != nil {
		add(0, false, told)
	}
	return append(out, beat{event: []byte(wire.DoneFrame)})
}
