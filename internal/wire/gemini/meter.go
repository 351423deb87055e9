package gemini

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// meter follows a stream. Nothing says that an event is the last, but that the answer is complete and no more comes: so an
// event by which it may be complete is kept back until the next comes, or until the charge is durable.
type meter struct {
	array   bool  // the caller reads an array
	choices int64 // candidates that complete the answer

	tally
	begun   bool
	done    bool // the answer is complete
	held    []byte
	holds   bool
	usage   inference.Usage
	told    bool // the usage was told at least once
	settled bool // and not before the answer was complete
	out     []byte
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// Event looks at one event. Nothing is counted that is not delivered, now or as the last event.
func (m *meter) Event(raw, data []byte) (deliver []byte, sign wire.Sign) {
	if len(data) == 0 {
		if !m.begun || m.array || m.holds || !isComment(raw) {
			return nil, wire.Goes
		}
		return raw, wire.Goes
	}
	if string(data) == "[DONE]" {
		return nil, wire.Goes // some who imitate Google write what OpenAI does
	}
	r, ok := readResponse(data)
	switch {
	case ok && isObject(r.in(aError)):
		return nil, wire.Broken
	case !ok || !m.begun && !r.says():
		return nil, wire.Garbled
	}
	m.take(&r)
	return m.deliver(raw, data)
}

// take counts a piece. Of several usages the last one counts.
func (m *meter) take(r *response) {
	m.count(r.in(aCandidates))
	m.done = m.done || r.isBlocked() || int64(onesOf(m.finished)) >= m.choices
	if u, ok := Usage(r.in(aUsage)); ok {
		m.usage, m.told, m.settled = u, true, m.done
	}
}

func onesOf(set uint64) (n int) {
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

// deliver returns what was kept back, and the event unless it is kept back itself.
func (m *meter) deliver(raw, data []byte) ([]byte, wire.Sign) {
	m.out = m.out[:0]
	if !m.begun {
		raw = bytes.TrimPrefix(raw, byteOrderMark)
		if m.array {
			m.out = append(m.out, '[') // so that an error that follows can close it
		}
	}
	m.begun = true
	if m.holds {
		m.out = m.appendHeld(m.out)
		m.holds = false
	}
	if m.done {
		m.held, m.holds = m.appendEvent(m.held[:0], raw, data), true
		return m.out, wire.Finished
	}
	if len(m.out) == 0 && !m.array && terminated(raw) {
		return raw, wire.Goes
	}
	m.out = m.appendEvent(m.out, raw, data)
	if m.array {
		m.out = append(m.out, separator...)
	}
	return m.out, wire.Goes
}

// separator is between the elements of an array. It comes with the element before it, because another always follows.
const separator = ",\r\n"

func (m *meter) appendHeld(dst []byte) []byte {
	dst = append(dst, m.held...)
	if m.array {
		dst = append(dst, separator...)
	}
	return dst
}

func (m *meter) appendEvent(dst, raw, data []byte) []byte {
	switch {
	case m.array:
		return append(dst, data...)
	case terminated(raw):
		return append(dst, raw...)
	}
	return append(dst, openai.AppendFrame(nil, bytes.ReplaceAll(data, []byte("\n"), []byte(" ")))...)
}

// Last returns the event that was kept back.
func (m *meter) Last() []byte {
	if !m.holds {
		return nil
	}
	if m.array {
		return append(bytes.Clone(m.held), ']')
	}
	return m.held
}

// Result returns the usage that the stream told. What it told before it was complete counts only where it covers what was
// delivered.
func (m *meter) Result() wire.Metered {
	out := wire.Metered{Usage: m.usage, OutputTokens: m.Tokens()}
	out.Known = m.settled || m.told && m.usage.OutputTokens() >= out.OutputTokens
	if !out.Known {
		out.Usage = inference.Usage{}
	}
	out.Usage.Quantities[inference.Search] = m.searches
	return out
}

// Tokens is the estimate of what was delivered so far.
func (m *meter) Tokens() int64 { return m.tokens() }

// isComment reports whether an event without data is made of comments alone.
func isComment(raw []byte) bool {
	for line := range bytes.FieldsFuncSeq(raw, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line[0] != ':' {
			return false
		}
	}
	return terminated(raw)
}

// terminated reports whether an event's bytes end with a blank line.
func terminated(raw []byte) bool {
	return bytes.HasSuffix(raw, []byte("\n\n")) || bytes.HasSuffix(raw, []byte("\n\r\n")) || bytes.HasSuffix(raw, []byte("\r\r"))
}

var _ wire.Closer = (*meter)(nil)
