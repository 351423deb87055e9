package sse

import "bytes"

var byteOrderMark = []byte("\xEF\xBB\xBF")

// parse reads the fields of an event. Lines without a known field name are comments or ignored, as the standard says.
func (r *Reader) parse(raw []byte) Event {
	e := Event{Raw: raw}
	rest := raw
	if !r.begun {
		r.begun = true
		rest = bytes.TrimPrefix(rest, byteOrderMark)
	}
	lines := 0
	for len(rest) > 0 {
		line := rest
		if at, width := lineEnd(rest); at >= 0 {
			line, rest = rest[:at], rest[at+width:]
		} else {
			rest = nil
		}
		name, value := field(line)
		switch string(name) {
		case "data":
			lines++
			e.Data = r.join(e.Data, value, lines)
		case "event":
			e.Name = value
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				e.ID = value
			}
		}
	}
	return e
}

// field splits a line at its first colon and drops one space behind it.
func field(line []byte) (name, value []byte) {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found {
		return line, line[len(line):]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return name, value
}

// join returns the first data line as it is, and further ones behind it in a buffer of the reader.
func (r *Reader) join(data, value []byte, lines int) []byte {
	if lines == 1 {
		return value
	}
	if lines == 2 {
		r.joined = append(r.joined[:0], data...)
	}
	r.joined = append(append(r.joined, '\n'), value...)
	return r.joined
}
