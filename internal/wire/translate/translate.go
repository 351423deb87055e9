// Package translate carries a chat call from a caller's protocol to an upstream's, and the answer back, over the pivot. Where
// both speak the same protocol nobody translates: bytes go through.
package translate

import (
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Bridge joins two protocols. It is safe for concurrent use.
type Bridge struct {
	Caller   wire.Codec
	Upstream wire.UpstreamCodec
	Policy   wire.LossPolicy
	// Options are what the upstream wants of requests; ModelOutput among them is the model's.
	Options wire.EncodeOptions
	// Now is the time that answers tell where the upstream tells none.
	Now func() time.Time
}

// Crossing is one call on its way over a bridge.
type Crossing struct {
	bridge *Bridge
	// Body is the request as the upstream reads it.
	Body []byte
	// Losses are what of the request went out otherwise than it came.
	Losses []wire.Loss

	prompt *inference.Prompt // as the caller wrote it
	tools  tools
	// embedding is what it is that crosses; nil: a chat.
	embedding *embedding
	usage     inference.Usage
	hasUsage  bool
}

// Request translates a request. model is the upstream's name of the model, maxOutput the limit on output tokens where the
// caller gave none. Errors: *fault.Error with the path of the field, wire.ErrUntranslatable among them.
func (b *Bridge) Request(body []byte, model string, stream bool, maxOutput int64) (*Crossing, error) {
	prompt, err := b.Caller.DecodeRequest(body)
	if err != nil {
		return nil, err
	}
	prompt.Model, prompt.Stream = model, stream
	if prompt.MaxOutput == 0 {
		prompt.MaxOutput = maxOutput
	}
	losses := wire.Losses{Policy: b.Policy}
	b.prefilled(prompt, &losses)
	fitted, own, err := fit(prompt, b.Upstream.ToolRules(), &losses)
	if err != nil {
		return nil, err
	}
	out, err := b.Upstream.EncodeRequest(fitted, b.Options, &losses)
	if err != nil {
		return nil, err
	}
	return &Crossing{bridge: b, Body: out, Losses: losses.Dropped, prompt: prompt, tools: own}, nil
}

// prefilled tells of an answer whose beginning the caller gives: to upstreams of other families it is one of the assistant's
// earlier answers, behind which there is a new one.
func (b *Bridge) prefilled(p *inference.Prompt, l *wire.Losses) {
	if b.Caller.Dialect() != inference.Anthropic || len(p.Turns) == 0 {
		return
	}
	last := &p.Turns[len(p.Turns)-1]
	if to := b.Upstream.Dialect(); last.Role == inference.RoleAssistant && to != inference.Anthropic && to != inference.Bedrock {
		l.Changed(last.Path, "the beginning of the answer", "an answer before it", "The upstream does not go on with an answer.")
	}
}

// Kind is the operation that the upstream is asked for.
func (c *Crossing) Kind() inference.Kind {
	if c.embedding != nil {
		return inference.Embeddings
	}
	return c.bridge.Upstream.Kind()
}

// Usage is what the upstream told that was used, exactly as it told it; false where it told nothing.
func (c *Crossing) Usage() (inference.Usage, bool) { return c.usage, c.hasUsage }

// Answer translates a whole answer. The error says that it was none.
func (c *Crossing) Answer(body []byte) (out []byte, err error) {
	if c.embedding != nil {
		out, c.usage, c.hasUsage, err = c.embedding.answer(body)
		return out, err
	}
	a, err := c.bridge.Upstream.DecodeAnswer(body)
	if err != nil {
		return nil, err
	}
	c.usage, c.hasUsage = a.Usage, a.HasUsage
	c.tools.answer(a)
	if a.ID == "" {
		a.ID = id.New().String()
	}
	if a.Model == "" {
		a.Model = c.prompt.Model
	}
	if a.Created == 0 {
		a.Created = c.bridge.Now().Unix()
	}
	return c.bridge.Caller.EncodeAnswer(a, c.prompt)
}

// begin completes what the upstream did not say of the answer.
func (c *Crossing) begin(d *inference.Delta) {
	if d.ID == "" {
		d.ID = id.New().String()
	}
	if d.Model == "" {
		d.Model = c.prompt.Model
	}
	if d.Created == 0 {
		d.Created = c.bridge.Now().Unix()
	}
}
