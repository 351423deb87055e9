package relay

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	// realtimeOutput limits a response of a model whose own limit is not known. Source: the protocol.
	realtimeOutput = 4096
	// Tokens of a second of sound. Source: the guide to audio of the protocol's makers, 100 ms of what is heard and 50 ms of
	// what is spoken to a token.
	heardTokens  = 10
	spokenTokens = 20
)

// conversation is how large a session's conversation is: what the next response can read at most, and what it will read as
// far as that can be told. The upstream tells after each response; what was said since is counted here.
type conversation struct {
	window, most int64                // of the model: input tokens, 0: not known; output tokens of a response
	past         inference.Quantities // what the conversation had when the upstream last told, cached or not
	since        openai.RealtimeInput // what was said since then, but sound that is not committed
	buffer       int64                // bytes of sound that is not committed
	heard        int64                // bytes of all sound that was sent
	instructions openai.RealtimeInput
	tools        openai.RealtimeInput
	limit        openai.RealtimeLimit
	modalities   openai.RealtimeModalities
	heardRate    int64 // bytes of a second of sound
	spokenRate   int64
}

func newConversation(t *Target) conversation {
	c := conversation{window: t.ContextWindow, most: t.MaxOutput, heardRate: openai.PCMRate, spokenRate: openai.PCMRate}
	if c.most == 0 {
		c.most = realtimeOutput
	}
	return c
}

// describe takes in what an event says of the session.
func (c *conversation) describe(d *openai.RealtimeSession) {
	if d.HasInstructions {
		c.instructions = d.Instructions
	}
	if d.HasTools {
		c.tools = d.Tools
	}
	if d.Output.Said {
		c.limit = d.Output
	}
	if d.Modalities != openai.Unsaid {
		c.modalities = d.Modalities
	}
	if d.HeardRate > 0 {
		c.heardRate = d.HeardRate
	}
	if d.SpokenRate > 0 {
		c.spokenRate = d.SpokenRate
	}
}

// foresee takes in what a caller asks the session to be, as far as that makes it dearer: whether it will be, the upstream
// says.
func (c *conversation) foresee(d *openai.RealtimeSession) {
	if d.HasInstructions && d.Instructions.TextBytes > c.instructions.TextBytes {
		c.instructions = d.Instructions
	}
	if d.HasTools && d.Tools.TextBytes > c.tools.TextBytes {
		c.tools = d.Tools
	}
	if d.Output.Said && c.limit.Said && (d.Output.Tokens == 0 || d.Output.Tokens > c.limit.Tokens) {
		c.limit = openai.RealtimeLimit{}
	}
	if d.Modalities == openai.WithAudio {
		c.modalities = d.Modalities
	}
}

// size is the most that a response can take, and what of it can be told already.
type size struct {
	input  inference.Quantities // at most
	likely inference.Quantities // of input, where it is not told; what was read before is cached
	said   openai.RealtimeInput // of input, what was said since the upstream last told
	output int64
	text   bool // the output is text alone
}

// next is the size of a response that begins now, as a caller asks for it; nil: the upstream begins it.
func (c *conversation) next(ask *openai.RealtimeAsk) size {
	said := c.since.Plus(c.instructions).Plus(c.tools)
	said.AudioBytes += c.buffer
	limit, modalities := c.limit, c.modalities
	if ask != nil {
		said = said.Plus(ask.Input)
		if ask.Output.Said {
			limit = ask.Output
		}
		if ask.Modalities != openai.Unsaid {
			modalities = ask.Modalities
		}
	}
	out := size{output: c.most, text: modalities == openai.TextOnly}
	if limit.Tokens > 0 {
		out.output = min(limit.Tokens, c.most)
	}
	sound := tokensIn(said.AudioBytes, heardTokens, c.heardRate)
	out.input = c.past
	for _, n := range c.past {
		out.likely[inference.TextInputCached] += n
	}
	out.input[inference.AudioInput] += sound
	out.input[inference.ImageInput] += said.Images * openai.ImageTokens
	out.input[inference.TextInput] += openai.BoundTokens(int(said.TextBytes))
	out.likely[inference.AudioInput] += sound
	out.likely[inference.ImageInput] += said.Images * openai.ImageTokens
	out.likely[inference.TextInput] += said.Text
	out.said = c.since
	c.fit(&out.input)
	c.fit(&out.likely)
	return out
}

// fit makes an input one that fits into the model's window; what is dearest fits first.
func (c *conversation) fit(q *inference.Quantities) {
	if c.window <= 0 {
		return
	}
	room := c.window
	for _, r := range [...]inference.Resource{inference.AudioInput, inference.ImageInput, inference.TextInput, inference.TextInputCached} {
		q[r] = min(q[r], room)
		room -= q[r]
	}
}

// told takes in what the conversation is after a response that began when so much had been said.
func (c *conversation) told(talk inference.Quantities, said openai.RealtimeInput) {
	c.past, c.since = talk, c.since.Minus(said)
}

// speechBegan forgets sound before speech began, of which nothing will be read. at is in milliseconds of all sound.
func (c *conversation) speechBegan(at int64) {
	if at < 0 {
		return
	}
	if since := c.heard - at*c.heardRate/1000; since >= 0 {
		c.buffer = min(c.buffer, since)
	}
}

// commit makes the sound in the buffer a part of the conversation, and returns how much it is.
func (c *conversation) commit() int64 {
	n := c.buffer
	c.since.AudioBytes += n
	c.buffer = 0
	return n
}

func tokensIn(bytes, perSecond, rate int64) int64 { return (bytes*perSecond + rate - 1) / max(1, rate) }
