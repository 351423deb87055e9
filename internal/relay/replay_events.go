package relay

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// numbering writes an id into every event of a stream. Ids of the upstream's are left out: an event has one.
type numbering struct {
	task   id.ID
	events int // begun so far
	inside bool
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// append adds whole lines of a stream to dst, and where events end to ends.
func (n *numbering) append(dst []byte, ends []int, lines []byte) ([]byte, []int) {
	if n.events == 0 && !n.inside {
		lines = bytes.TrimPrefix(lines, byteOrderMark)
	}
	for len(lines) > 0 {
		line, width := cutLine(lines)
		whole := lines[:len(line)+width]
		lines = lines[len(whole):]
		switch {
		case len(line) > 0 && !n.inside:
			n.events++
			n.inside = true
			dst = append(eventID(append(dst, "id: "...), n.task, n.events), '\n')
			fallthrough
		case len(line) > 0:
			if !isID(line) {
				dst = append(dst, whole...)
			}
		case n.inside:
			n.inside = false
			dst = append(dst, whole...)
			ends = append(ends, len(dst))
		}
	}
	return dst, ends
}

// eventEnds finds where the events of a numbered stream end.
func eventEnds(stream []byte) (ends []int) {
	inside := false
	for at := 0; at < len(stream); {
		line, width := cutLine(stream[at:])
		at += len(line) + width
		if len(line) == 0 && inside {
			ends = append(ends, at)
		}
		inside = len(line) > 0
	}
	return ends
}

// cutLine returns the first line and the width of its end: LF, CR, CRLF, or none at the very end.
func cutLine(b []byte) (line []byte, width int) {
	at := bytes.IndexAny(b, "\r\n")
	switch {
	case at < 0:
		return b, 0
	case b[at] == '\r' && at+1 < len(b) && b[at+1] == '\n':
		return b[:at], 2
	}
	return b[:at], 1
}

// isID reports whether a line is the id field.
func isID(line []byte) bool {
	name, _, _ := bytes.Cut(line, []byte(":"))
	return string(name) == "id"
}
