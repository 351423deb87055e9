package openai

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// maxKept is how much of a stream's text is kept to be counted at its end, in bytes as written. The rest is estimated.
const maxKept = 16 << 10

var kept = sync.Pool{New: func() any { return new([]byte) }}

// delivered counts a stream's text by the model's vocabulary. Where the upstream tells no usage, the text is counted as it
// comes; else it is kept, and only counted when the stream ended without usage.
type delivered struct {
	family  tokens.Family
	counter *tokens.Counter // nil: the text is kept
	kept    *[]byte
	full    bool
	beyond  Count // of what was not kept
}

func newDelivered(f tokens.Family, asItComes bool) *delivered {
	d := &delivered{family: f}
	if asItComes {
		d.counter = tokens.New(f)
	} else {
		d.kept, _ = kept.Get().(*[]byte)
	}
	return d
}

// add takes the inside of a JSON string as it is written.
func (d *delivered) add(raw []byte) {
	switch {
	case d.counter != nil:
		d.counter.Add(spoken(raw))
	case d.kept == nil:
	case d.full || len(*d.kept)+len(raw) > maxKept:
		d.full = true
		d.beyond.Add(raw)
	default:
		*d.kept = append(*d.kept, raw...)
	}
}

// total is the tokens of all that was added.
func (d *delivered) total() int64 {
	if d.counter != nil {
		return d.counter.Total()
	}
	return tokens.Count(d.family, spoken(*d.kept)) + d.beyond.Tokens()
}

// release gives the memory back; nothing may be added or counted afterwards.
func (d *delivered) release() {
	if d.kept != nil {
		*d.kept = (*d.kept)[:0]
		kept.Put(d.kept)
		d.kept = nil
	}
}

// spoken is the text that the inside of a JSON string stands for.
func spoken(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &s) != nil {
		return string(raw)
	}
	return s
}

// Tokens is the count so far: the estimate, or where the text is counted as it comes, what is certain of that.
func (m *meter) Tokens() int64 {
	if m.text != nil && m.text.counter != nil {
		return m.text.counter.Floor()
	}
	return m.StreamMeter.Tokens()
}

// Delivered counts what was delivered by the model's vocabulary. It is for the end of a stream.
func (m *meter) Delivered() int64 {
	if m.text == nil {
		return m.StreamMeter.Tokens()
	}
	return m.text.total()
}

// Release gives back the memory that counting takes. Delivered may not be called afterwards.
func (m *meter) Release() {
	if m.text != nil {
		m.text.release()
	}
}

// CountAnswer counts the text of a whole chat completion by a model's vocabulary.
func (chatFormat) CountAnswer(body []byte, f tokens.Family) int64 {
	var m StreamMeter
	d := newDelivered(f, true)
	m.Text.sink, m.Reasoning.sink = d, d
	m.FeedAnswer(body)
	return d.total()
}

// CountAnswer returns nothing: embeddings produce no tokens.
func (embeddingsFormat) CountAnswer([]byte, tokens.Family) int64 { return 0 }

// What a chat template adds to each message, its role among it, and at the end. Source: OpenAI's cookbook, "How to count
// tokens with tiktoken".
const (
	perMessage = 4
	perRequest = 3
)

// CountInput counts messages or input, tools and schema by a model's vocabulary; pictures count as in EstimateInput.
func (common) CountInput(body []byte, a *wire.Ask, f tokens.Family) int64 {
	facts := a.FormatFacts.(*Facts) //nolint:forcetypeassert // what Peek stored
	n := int64(facts.Images) * ImageTokens
	if messages := facts.spans[keyMessages].In(body); len(messages) > 0 {
		n += perRequest
		for it := jsonscan.AnyElements(messages); it.Next(); {
			n += perMessage + countMessage(it.Value, f)
		}
	}
	for _, key := range [...]int{keyTools, keyFunctions, keyResponseFormat} {
		n += tokens.Count(f, string(facts.spans[key].In(body)))
	}
	return n + countInput(facts.spans[keyInput].In(body), f)
}

func countMessage(message []byte, f tokens.Family) (n int64) {
	for it := jsonscan.AnyMembers(message); it.Next(); {
		switch string(it.Key) {
		case "content", "name", "refusal":
			t := texts{limit: len(it.Value)}
			t.content(it.Value)
			n += tokens.Count(f, string(t.out))
		case "tool_calls", "function_call":
			n += tokens.Count(f, spoken(it.Value))
		}
	}
	return n
}

// countInput counts what is to be embedded: a text, texts, tokens, or lists of tokens.
func countInput(value []byte, f tokens.Family) (n int64) {
	if len(value) == 0 {
		return 0
	}
	switch value[0] {
	case '"':
		s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
		if err != nil {
			s = string(value)
		}
		return tokens.Count(f, s)
	case '[':
		for it := jsonscan.Elements(value); it.Next(); {
			n += countInput(it.Value, f)
		}
		return n
	}
	return 1 // a token as a number
}

var (
	_ wire.Counting     = chatFormat{}
	_ wire.Counting     = embeddingsFormat{}
	_ wire.MeterCounter = (*meter)(nil)
)
