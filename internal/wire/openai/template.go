package openai

import (
	"bytes"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/wire"
)

// template is the last event that did nothing but add content. Most events of a stream are like the one before but for the
// inside of that one string, and need not be parsed to know it. The zero value is like no event.
type template struct {
	before, after []byte // up to the content and from its end on
	action        Action
	plain         bool // the event was one line, "data: " and its data
}

// content returns the inside of the content if the event is like the template: the same bytes around a text in which
// nothing is escaped, so that it ends where it seems to.
func (t *template) content(data []byte) ([]byte, bool) {
	n := len(t.before)
	if n == 0 || len(data) < n+len(t.after) || !bytes.HasPrefix(data, t.before) || !bytes.HasSuffix(data, t.after) {
		return nil, false
	}
	inside := data[n : len(data)-len(t.after)]
	if bytes.IndexByte(inside, '"') >= 0 || bytes.IndexByte(inside, '\\') >= 0 || bytes.IndexByte(inside, '\n') >= 0 {
		return nil, false
	}
	return inside, true
}

// learn makes the event that the meter has just studied the template, unless there was more to it than content.
func (t *template) learn(m *StreamMeter, data []byte, action Action, special bool) {
	t.before = t.before[:0]
	spot := m.spot
	if special || m.added != 1 || len(spot) < 2 || spot[0] != '"' || action == Drop {
		return
	}
	at := cap(data) - cap(spot) // both end where their memory ends
	if at < 0 || at+len(spot) > len(data) || &data[at] != &spot[0] {
		return
	}
	t.before = append(t.before, data[:at+1]...)
	t.after = append(t.after[:0], data[at+len(spot)-1:]...)
	t.action = action
}

var (
	lineStart = []byte("data: ")
	eventEnd  = []byte("\n\n")
)

// next returns the content of the event that b begins with, whether that is all ASCII, and the event's length, if it is like
// the template; else 0.
func (t *template) next(b []byte) (content []byte, ascii bool, size int) {
	n := len(lineStart) + len(t.before)
	if len(b) < n+len(t.after)+len(eventEnd) || !bytes.HasPrefix(b, lineStart) || !bytes.HasPrefix(b[len(lineStart):], t.before) {
		return nil, false, 0
	}
	end, all := n, byte(0)
	for ; end < len(b) && b[end] != '"'; end++ {
		if b[end] == '\\' || b[end] < ' ' {
			return nil, false, 0
		}
		all |= b[end]
	}
	rest := b[end:]
	if !bytes.HasPrefix(rest, t.after) || !bytes.HasPrefix(rest[len(t.after):], eventEnd) {
		return nil, false, 0
	}
	return b[n:end], all < utf8.RuneSelf, end + len(t.after) + len(eventEnd)
}

// isPlain reports whether an event is one line of data as nearly everybody writes it.
func isPlain(raw, data []byte) bool {
	return len(raw) == len(lineStart)+len(data)+len(eventEnd) && bytes.HasPrefix(raw, lineStart) && bytes.HasSuffix(raw, eventEnd)
}

// Run implements wire.Runner for events that do nothing but add content.
func (m *meter) Run(dst, b []byte, most int64) (deliver []byte, taken int) {
	if !m.like.plain || len(m.like.before) == 0 || m.text != nil && m.text.counter != nil {
		return dst, 0 // where a vocabulary counts, what an event adds to Tokens is not known before
	}
	left := 4 * (most - m.Tokens()) // in quarters, of which there are at least as many
	for {
		content, ascii, size := m.like.next(b[taken:])
		if size == 0 {
			break
		}
		n := MostQuarters(content)
		if ascii {
			n = narrow(content)
		}
		if left -= n; left < 0 { // what was counted may have been fewer
			if left = 4*(most-m.Tokens()) - n; left < 0 {
				break
			}
		}
		if ascii && m.Text.sink == nil {
			m.Text.Narrow += n
		} else {
			m.Text.AddPiece(content)
		}
		if m.like.action == Strip {
			event := b[taken : taken+size]
			dst = append(dst, m.form(Strip, event, event[len(lineStart):size-len(eventEnd)])...)
		}
		taken += size
	}
	if m.like.action == Forward {
		dst = append(dst, b[:taken]...)
	}
	return dst, taken
}

var _ wire.Runner = (*meter)(nil)
