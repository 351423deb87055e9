package openai

import "bytes"

// template is the last event that did nothing but add content. Most events of a stream are like the one before but for the
// inside of that one string, and need not be parsed to know it. The zero value is like no event.
type template struct {
	before, after []byte // up to the content and from its end on
	action        Action
}

// content returns the inside of the content if the event is like the template: the same bytes around a text in which
// nothing is escaped, so that it ends where it seems to.
func (t *template) content(data []byte) ([]byte, bool) {
	n := len(t.before)
	if n == 0 || len(data) < n+len(t.after) || !bytes.HasPrefix(data, t.before) || !bytes.HasSuffix(data, t.after) {
		return nil, false
	}
	inside := data[n : len(data)-len(t.after)]
	if bytes.IndexByte(inside, '"') >= 0 || bytes.IndexByte(inside, '\\') >= 0 {
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
