package openai

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// responsePen writes JSON in members.
type responsePen struct{ jsondoc.Writer }

func (w *responsePen) key(name string) { w.Key(name) }

// open begins an object, as an element or behind a key.
func (w *responsePen) open() { w.Open('{') }

func (w *responsePen) close(bracket byte) { w.Close(bracket) }

func (w *responsePen) object(name string) {
	w.Key(name).Open('{')
}

func (w *responsePen) array(name string) {
	w.Key(name).Open('[')
}

func (w *responsePen) text(name, value string) {
	w.Key(name).Str(value)
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
	w.B = appendNullable(w.B, value)
}

func (w *responsePen) element(value string) {
	w.Str(value)
}

func (w *responsePen) integer(name string, value int64) {
	w.Key(name).Int(value)
}

func (w *responsePen) boolean(name string, value bool) {
	w.Key(name).Bool(value)
}

// raw writes a value that is JSON already.
func (w *responsePen) raw(name string, value []byte) {
	w.Key(name)
	w.rawElement(value)
}

// rawElement writes a value that is JSON already, without the breaks between its lines: it may go out in an event.
func (w *responsePen) rawElement(value []byte) {
	from := len(w.B)
	w.Bytes(value)
	for i, c := range w.B[from:] {
		if c == '\n' || c == '\r' {
			w.B[from+i] = ' '
		}
	}
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
)

// orRaw is value, or what stands for none.
func orRaw(value json.RawMessage, otherwise []byte) []byte {
	if len(value) == 0 {
		return otherwise
	}
	return value
}
