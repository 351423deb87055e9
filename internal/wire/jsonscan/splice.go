package jsonscan

// Edit changes one place of a body: it replaces the span of Field by Text, or puts Text in at At when Field is zero.
type Edit struct {
	Field Field
	At    int
	Text  []byte
}

func (e *Edit) start() int {
	if e.Field.Found() {
		return e.Field.Start
	}
	return e.At
}

// before orders edits by place; a text put in where a replaced span starts comes before the span.
func (e *Edit) before(other *Edit) bool {
	if e.start() == other.start() {
		return !e.Field.Found() && other.Field.Found()
	}
	return e.start() < other.start()
}

// Apply appends body to dst with the edits made, and leaves body as it is. Edits may come in any order but not overlap,
// and are put in order by the call; texts put in at one place keep the order given. Every byte outside the edits is copied
// unchanged.
func Apply(dst, body []byte, edits ...Edit) []byte {
	at := 0
	for done := range edits {
		next := first(edits[done:])
		e := edits[done+next]
		// Sorting in place by shifting keeps the order of equals and costs nothing for the few edits there are.
		copy(edits[done+1:done+next+1], edits[done:done+next])
		edits[done] = e
		dst = append(dst, body[at:e.start()]...)
		dst = append(dst, e.Text...)
		at = max(e.start(), e.Field.End)
	}
	return append(dst, body[at:]...)
}

func first(edits []Edit) int {
	best := 0
	for i := range edits {
		if edits[i].before(&edits[best]) {
			best = i
		}
	}
	return best
}

// Member returns the span of the whole member whose value is f, with one of the commas beside it, so that removing the
// span leaves an object. The key must contain no quote, not even an escaped one, as no wanted name does.
func Member(body []byte, f Field) Field {
	m := Field{Start: keyStart(body, f.Start), End: f.End}
	end := m.End
	for end < len(body) && isSpace(body[end]) {
		end++
	}
	if end < len(body) && body[end] == ',' {
		m.End = end + 1
		return m
	}
	start := m.Start
	for start > 0 && isSpace(body[start-1]) {
		start--
	}
	if start > 0 && body[start-1] == ',' {
		m.Start = start - 1
	}
	return m
}

// Key returns the span of the key of the member whose value is f, with its quotes. See Member about quotes.
func Key(body []byte, f Field) Field {
	end := f.Start
	for body[end-1] != '"' {
		end--
	}
	return Field{Start: keyStart(body, f.Start), End: end}
}

func keyStart(body []byte, value int) int {
	i := value - 1
	for quotes := 0; ; i-- {
		if body[i] == '"' {
			if quotes++; quotes == 2 {
				return i
			}
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
