package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// Completions is the format of text completions, which came before chats and is what models without a chat template are asked
// by.
var Completions wire.Format = completionFormat{}

type completionFormat struct{ common }

// Kind returns inference.Completions.
func (completionFormat) Kind() inference.Kind { return inference.Completions }

// Peek reads a completion request.
func (completionFormat) Peek(body []byte) (wire.Ask, error) { return peek(body, PeekCompletion) }

// InputTokens estimates the prompts.
func (completionFormat) InputTokens(body []byte, a *wire.Ask) int64 {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	return facts.EstimateInput(body)
}

// Edit makes the change. The output limit is always written down, under the one name that the operation knows: upstreams differ
// in what they take for granted.
func (f completionFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	c.MaxOutput, c.MaxOutputParam = facts.MaxOutput, keyNames[keyMaxTokens]
	if string(facts.spans[keyMaxTokens].In(body)) == "0" {
		c.MaxOutput, c.MaxOutputParam = 0, ""
	}
	return f.common.Edit(dst, body, a, c)
}

// Answer meters a whole completion.
func (completionFormat) Answer(body []byte) (wire.Metered, bool) { return chatFormat{}.Answer(body) }

// CountAnswer counts the text of a whole completion by a model's vocabulary.
func (completionFormat) CountAnswer(body []byte, f tokens.Family) int64 {
	return chatFormat{}.CountAnswer(body, f)
}

// Meter returns a meter for a stream of chunks.
func (completionFormat) Meter(o wire.MeterOptions) wire.Meter {
	m := newMeter(o)
	m.Legacy = true
	return m
}

// End returns the [DONE] event.
func (completionFormat) End() []byte { return []byte(DoneFrame) }

var _ wire.Counting = completionFormat{}
