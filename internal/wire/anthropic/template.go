package anthropic

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// template is the last event that did nothing but add text to a block, as it came off the wire. Most events of a stream are
// like the one before but for the inside of that one string. The zero value is like no event.
type template struct{ before, after []byte }

var (
	dataLine = []byte("data: ")
	eventEnd = []byte("\n\n")
)

// next returns the text of the event that b begins with, and the event's length, if it is like the template; else 0. A text
// in which something is escaped, or which may end elsewhere, is not looked at here.
func (t *template) next(b []byte) (content []byte, size int) {
	n := len(t.before)
	if n == 0 || !bytes.HasPrefix(b, t.before) {
		return nil, 0
	}
	end := n
	for ; end < len(b) && b[end] != '"'; end++ {
		if b[end] == '\\' || b[end] < ' ' {
			return nil, 0
		}
	}
	if !bytes.HasPrefix(b[end:], t.after) {
		return nil, 0
	}
	return b[n:end], end + len(t.after)
}

// learn makes the event that was just studied the template, if its delta is a type and one text, and it came in the usual
// lines.
func (t *template) learn(raw, data []byte, delta jsonscan.Field) {
	t.before = t.before[:0]
	at := bytes.Index(raw, dataLine)
	if at < 0 || !bytes.HasSuffix(raw, eventEnd) || len(raw) != at+len(dataLine)+len(data)+len(eventEnd) || bytes.IndexByte(data, '\n') >= 0 {
		return
	}
	object := delta.In(data)
	var texts, others int
	var spot []byte
	for m := jsonscan.AnyMembers(object); m.Next(); {
		switch string(m.Key) {
		case "text", "thinking", "partial_json":
			texts++
			spot = m.Value
		case "type":
		default:
			others++
		}
	}
	if texts != 1 || others > 0 || len(spot) < 2 || spot[0] != '"' {
		return
	}
	from := at + len(dataLine) + delta.Start + offset(object, spot)
	t.before = append(t.before, raw[:from+1]...)
	t.after = append(t.after[:0], raw[from+len(spot)-1:]...)
}

// offset is where part, which is a part of whole's memory, begins in whole: both end where their memory ends.
func offset(whole, part []byte) int { return cap(whole) - cap(part) }

// Run implements wire.Runner for events that do nothing but add text.
func (m *meter) Run(dst, b []byte, most int64) (deliver []byte, taken int) {
	left := 4 * (most - m.Tokens()) // in quarters, of which there are at least as many
	for {
		content, size := m.like.next(b[taken:])
		if size == 0 {
			break
		}
		n := openai.MostQuarters(content)
		if left -= n; left < 0 { // what was counted may have been fewer
			if left = 4*(most-m.Tokens()) - n; left < 0 {
				break
			}
		}
		m.text.AddPiece(content)
		taken += size
	}
	return append(dst, b[:taken]...), taken
}
