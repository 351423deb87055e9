package anthropic

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// stopFrame ends a message.
const stopFrame = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

// meter follows the stream of a message. The beginning of the message is kept back until there is something of it: what has
// only begun can still be asked of another upstream. Its last event is kept back until the charge is durable.
type meter struct {
	like    template
	figures figures
	text    openai.Count
	start   []byte // the beginning, until it is delivered
	started bool   // it came
	begun   bool   // something was delivered
	counted bool   // the upstream told the output
	done    bool   // there is a reason why the message stops
	last    []byte
	buf     []byte
}

const (
	eType = iota
	eMessage
	eBlock
	eDelta
	eUsage
	eError
	numEventKeys
)

var (
	eventKeys = jsonscan.NewKeys("type", "message", "content_block", "delta", "usage", "error")
	usageKey  = jsonscan.NewKeys("usage")
	stopKey   = jsonscan.NewKeys("stop_reason")
)

var (
	byteOrderMark = []byte("\xEF\xBB\xBF")
	tokenDone     = []byte("[DONE]")
)

// Event looks at one event. Nothing is counted that is not delivered.
func (m *meter) Event(raw, data []byte) (deliver []byte, sign wire.Sign) {
	if len(data) == 0 {
		return m.comment(raw), wire.Goes
	}
	if content, size := m.like.next(raw); size == len(raw) && size > 0 {
		m.text.AddPiece(content)
		return raw, wire.Goes
	}
	if bytes.Equal(data, tokenDone) {
		return nil, wire.Goes // some write it behind the event that says so
	}
	var spans [numEventKeys]jsonscan.Field
	if _, _, err := eventKeys.Scan(data, spans[:]); err != nil {
		return nil, wire.Garbled
	}
	return m.event(bytes.TrimPrefix(raw, byteOrderMark), data, &spans)
}

// comment returns what is delivered of an event without data: an upstream that only says that it is alive has not answered.
func (m *meter) comment(raw []byte) []byte {
	if !m.begun || len(raw) == 0 || raw[0] != ':' {
		return nil
	}
	return raw
}

func (m *meter) event(raw, data []byte, spans *[numEventKeys]jsonscan.Field) ([]byte, wire.Sign) {
	name := string(unquoted(spans[eType].In(data)))
	if !m.started && name != "message_start" && name != "ping" && name != "error" {
		return nil, wire.Garbled // clients take nothing before a message's beginning
	}
	switch name {
	case "message_start":
		return m.begin(raw, spans[eMessage].In(data))
	case "ping":
		if !m.begun {
			return nil, wire.Goes
		}
	case "content_block_start":
		saidBlock(spans[eBlock].In(data), m.text.AddPiece)
	case "content_block_delta":
		saidBlock(spans[eDelta].In(data), m.text.AddPiece)
		m.like.learn(raw, data, spans[eDelta])
	case "message_delta":
		return m.turn(raw, spans[eDelta].In(data), spans[eUsage].In(data))
	case "message_stop":
		m.last = bytes.Clone(m.pass(raw))
		return nil, wire.Ended
	case "error":
		return nil, wire.Broken
	case "":
		return nil, wire.Garbled
	}
	return m.pass(raw), wire.Goes
}

// begin takes the beginning of a message and keeps it back.
func (m *meter) begin(raw, message []byte) ([]byte, wire.Sign) {
	if m.started || !isObject(message) {
		return nil, wire.Garbled
	}
	var out [1]jsonscan.Field
	if _, _, err := usageKey.Scan(message, out[:]); err != nil {
		return nil, wire.Garbled
	}
	m.figures.add(out[0].In(message))
	m.started, m.start = true, bytes.Clone(raw)
	return nil, wire.Goes
}

// turn takes an event that changes the message as a whole: why it stops, and what it took so far.
func (m *meter) turn(raw, delta, usage []byte) ([]byte, wire.Sign) {
	if isObject(usage) {
		before := m.figures.output // what a message begins with is no more than a place-holder
		m.figures.output.told = false
		m.figures.add(usage)
		if m.figures.output.told {
			m.counted = true
		} else {
			m.figures.output = before
		}
	}
	var out [1]jsonscan.Field
	if isObject(delta) {
		_, _, _ = stopKey.Scan(delta, out[:])
	}
	sign := wire.Goes
	if !m.done && len(unquoted(out[0].In(delta))) > 0 {
		m.done, sign = true, wire.Finished
	}
	return m.pass(raw), sign
}

// pass returns what is delivered: the event as it came, behind the beginning where that was kept back.
func (m *meter) pass(raw []byte) []byte {
	m.begun = true
	if m.start == nil {
		return raw
	}
	m.buf = append(append(m.buf[:0], m.start...), raw...)
	m.start = nil
	return m.buf
}

// Last returns the event that ended the stream, or the usual one where the message is complete and lacks it.
func (m *meter) Last() []byte {
	if m.last == nil && m.done {
		return []byte(stopFrame)
	}
	return m.last
}

// Result returns the usage that the stream told. Where it ended before its output was told, the input is the upstream's and
// the output is what was delivered of it.
func (m *meter) Result() wire.Metered {
	f, out := m.figures, wire.Metered{OutputTokens: m.Tokens()}
	if !m.counted {
		f.output = figure{out.OutputTokens, true}
	}
	if u, ok := f.usage(); ok {
		u.Estimated = !m.counted
		out.Usage, out.Known = u, true
	}
	return out
}

// Tokens estimates the output tokens delivered so far.
func (m *meter) Tokens() int64 { return m.text.Tokens() }

var (
	_ wire.Closer = (*meter)(nil)
	_ wire.Runner = (*meter)(nil)
)
