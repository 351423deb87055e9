package openai

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// responsePen writes JSON. It knows where commas go, by the last byte that it wrote.
type responsePen struct{ b []byte }

func (w *responsePen) comma() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':', ' ':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// key begins a member; its value follows. Names are made of letters, digits, _ and -.
func (w *responsePen) key(name string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// open begins an object or an array, as an element or behind a key.
func (w *responsePen) open(bracket byte) {
	w.comma()
	w.b = append(w.b, bracket)
}

func (w *responsePen) close(bracket byte) { w.b = append(w.b, bracket) }

func (w *responsePen) object(name string) {
	w.key(name)
	w.b = append(w.b, '{')
}

func (w *responsePen) array(name string) {
	w.key(name)
	w.b = append(w.b, '[')
}

func (w *responsePen) text(name, value string) {
	w.key(name)
	w.b = AppendString(w.b, value)
}

// given writes a text unless it is empty.
func (w *responsePen) given(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// nullable writes a text, or null where it is empty.
func (w *responsePen) nullable(name, value string) {
	w.key(name)
	w.b = appendNullable(w.b, value)
}

func (w *responsePen) element(value string) {
	w.comma()
	w.b = AppendString(w.b, value)
}

func (w *responsePen) integer(name string, value int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *responsePen) boolean(name string, value bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, value)
}

// raw writes a value that is JSON already.
func (w *responsePen) raw(name string, value []byte) {
	w.key(name)
	w.b = appendOneLine(w.b, value)
}

func (w *responsePen) rawElement(value []byte) {
	w.comma()
	w.b = appendOneLine(w.b, value)
}

// appendOneLine appends a JSON value without the breaks between its lines: it may go out in an event.
func appendOneLine(dst, value []byte) []byte {
	from := len(dst)
	dst = append(dst, value...)
	if bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0 {
		for i, c := range dst[from:] {
			if c == '\n' || c == '\r' {
				dst[from+i] = ' '
			}
		}
	}
	return dst
}

// number writes a number as its text, or what stands for none.
func (w *responsePen) number(name string, value json.Number, otherwise string) {
	if value == "" {
		value = json.Number(otherwise)
	}
	if value != "" {
		w.raw(name, []byte(value))
	}
}

// raw values that stand for nothing given.
var (
	rawNull        = []byte("null")
	rawEmptyList   = []byte("[]")
	rawEmptyObject = []byte("{}")
	rawEmptySchema = []byte(`{"type":"object","properties":{}}`)
)

// orRaw is value, or what stands for none.
func orRaw(value json.RawMessage, otherwise []byte) []byte {
	if len(value) == 0 {
		return otherwise
	}
	return value
}
