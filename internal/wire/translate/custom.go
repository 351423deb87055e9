package translate

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// inputOpening is how the arguments of what stands for a tool of free text begin, but for space.
const inputOpening = `{"input":"`

// wrapped is free text as arguments.
func wrapped(text string) string {
	return string(append(jsondoc.AppendString([]byte(`{"input":`), text), '}'))
}

// unwrapped is the free text of arguments. Those of another form are free text themselves.
func unwrapped(arguments string) string {
	doc, err := jsondoc.Parse([]byte(arguments))
	if err != nil {
		return arguments
	}
	text, found := "", false
	err = doc.Members(func(key string, v jsondoc.Value) error {
		if key != "input" {
			return nil
		}
		found = true
		return v.Text(&text)
	})
	if err != nil || !found {
		return arguments
	}
	return text
}

// unwrapping takes free text out of arguments as they come.
type unwrapping struct {
	raw    []byte // what came and did not go on
	opened int    // bytes of inputOpening that were seen
	odd    bool   // it does not begin like that: it goes on at its end
	done   bool   // the text has ended
}

// add takes up a piece, and returns the text that goes on.
func (u *unwrapping) add(piece string) string {
	if u.done {
		return ""
	}
	u.raw = append(u.raw, piece...)
	if u.odd || !u.open() {
		return ""
	}
	n := u.ready()
	text := unquoted(u.raw[:n])
	u.raw = u.raw[n:]
	return text
}

// open reports whether the text has begun. What precedes it is kept until then: it may turn out to be something else.
func (u *unwrapping) open() bool {
	if u.opened == len(inputOpening) {
		return true
	}
	u.opened = 0
	for i, c := range u.raw {
		switch {
		case c == inputOpening[u.opened]:
			u.opened++
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		default:
			u.odd = true
			return false
		}
		if u.opened == len(inputOpening) {
			u.raw = u.raw[i+1:]
			return true
		}
	}
	return false
}

// ready is how much of the text is whole characters. It ends at the quote that ends the text.
func (u *unwrapping) ready() int {
	for i := 0; i < len(u.raw); {
		n := 1
		switch c := u.raw[i]; {
		case c == '"':
			u.done = true
			return i
		case c == '\\':
			n = escape(u.raw[i:])
		case c >= utf8.RuneSelf && !utf8.FullRune(u.raw[i:]):
			n = 0
		}
		if n == 0 {
			return i
		}
		i += n
	}
	return len(u.raw)
}

// Lengths of an escaped character, of one by its number, and of one that takes two numbers.
const (
	shortEscape = 2
	longEscape  = 6
	pairEscape  = 12
)

// escape is the length of the escaped character that b begins with; 0: it has not come yet.
func escape(b []byte) int {
	n := shortEscape
	if len(b) > 1 && b[1] == 'u' {
		n = longEscape
	}
	if n == longEscape && len(b) > 3 && b[2]|0x20 == 'd' && strings.IndexByte("89abAB", b[3]) >= 0 {
		n = pairEscape
		if len(b) > longEscape && b[longEscape] != '\\' {
			n = longEscape // half a character, which nobody can read
		}
	}
	if len(b) < n {
		return 0
	}
	return n
}

func unquoted(inner []byte) string {
	if len(inner) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(append(append([]byte{'"'}, inner...), '"'), &text) != nil {
		return string(inner)
	}
	return text
}

// end is what is left when the arguments are complete.
func (u *unwrapping) end() string {
	switch {
	case u.done:
		return ""
	case u.opened == len(inputOpening): // cut within the text
		return unquoted(u.raw)
	}
	return unwrapped(string(u.raw))
}

// answer gives the calls of a whole answer back as the caller knows them.
func (t tools) answer(a *inference.Answer) {
	if t == nil {
		return
	}
	for i := range a.Candidates {
		for j := range a.Candidates[i].Parts {
			p := &a.Candidates[i].Parts[j]
			if t.head(p) {
				p.Text = unwrapped(p.Text)
			}
		}
	}
}

// head gives a call back as the caller knows it, but for its arguments. It reports whether they are free text.
func (t tools) head(p *inference.Part) (custom bool) {
	if p.Call == nil {
		return false
	}
	own, ok := t[p.Call.Name]
	if !ok {
		return false
	}
	call := *p.Call
	call.Name, call.Custom = own.name, call.Custom || own.custom
	p.Call = &call
	return own.custom
}

// streamTools gives the calls of a stream back as the caller knows them.
type streamTools struct {
	tools

	open map[int]*unwrapping // of the call of free text that is open, by candidate
}

// append appends what a delta is to the caller.
func (t *streamTools) append(dst []inference.Delta, d inference.Delta) []inference.Delta {
	switch d.Kind {
	case inference.DeltaOpen:
		if t.head(&d.Part) {
			t.open[d.Candidate] = &unwrapping{}
		}
	case inference.DeltaFragment:
		if u := t.open[d.Candidate]; u != nil {
			if d.Text = u.add(d.Text); d.Text == "" {
				return dst
			}
		}
	case inference.DeltaClose:
		if u := t.open[d.Candidate]; u != nil {
			delete(t.open, d.Candidate)
			dst = u.last(dst, &d)
		}
	default:
	}
	return append(dst, d)
}

// last appends the rest of the text of a call that closes.
func (u *unwrapping) last(dst []inference.Delta, closing *inference.Delta) []inference.Delta {
	text := u.end()
	if text == "" {
		return dst
	}
	return append(dst, inference.Delta{Kind: inference.DeltaFragment, Candidate: closing.Candidate, Block: closing.Block, Text: text})
}

// held is how many bytes wait.
func (t *streamTools) held() (n int) {
	for _, u := range t.open {
		n += len(u.raw)
	}
	return n
}
