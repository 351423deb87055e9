package openai

import (
	"bytes"
	"encoding/json"
)

var (
	byteOrderMark = []byte("\xEF\xBB\xBF")
	opening       = []byte("{")
	closing       = []byte("}")
	closedOpened  = []byte("}{")
)

// isWhole reports whether data is one object: half a chunk, or two in one event, would break the caller's decoder. Braces that
// are even are believed; they are odd, in a good chunk, only where its text is, and then the chunk is read.
func isWhole(data []byte) bool {
	data = skipSpace(data)
	for len(data) > 0 && data[len(data)-1] <= ' ' {
		data = data[:len(data)-1]
	}
	if len(data) < 2 || data[0] != '{' || data[len(data)-1] != '}' {
		return false
	}
	even := bytes.Count(data, opening) == bytes.Count(data, closing)
	return even && bytes.IndexByte(data, '\n') < 0 && !bytes.Contains(data, closedOpened) || json.Valid(data)
}

// oneLine returns a whole object as one line. Line feeds in it stand between the lines of an event, never in a text.
func oneLine(data []byte) []byte {
	if bytes.IndexByte(data, '\n') < 0 {
		return data
	}
	return bytes.ReplaceAll(data, []byte("\n"), []byte(" "))
}

// isComment reports whether an event without data is made of comments alone. Other fields without data tell a browser when to
// connect again; clients of this protocol would try to read the data that is not there.
func isComment(raw []byte) bool {
	for line := range bytes.FieldsFuncSeq(raw, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line[0] != ':' {
			return false
		}
	}
	return true
}

// terminated reports whether an event's bytes end with a blank line.
func terminated(raw []byte) bool {
	end := len(raw)
	if end > 0 && raw[end-1] == '\n' {
		end--
	}
	if end > 0 && raw[end-1] == '\r' {
		end--
	}
	return end < len(raw) && (end == 0 || raw[end-1] == '\n' || raw[end-1] == '\r')
}
