package jsondoc

import (
	"strconv"
	"unicode/utf8"
)

// Writer writes one JSON document behind what B holds. Commas come by themselves; who opens something closes it.
type Writer struct{ B []byte }

// sep puts the comma that separates a value or a key from what stands before it.
func (w *Writer) sep() {
	if n := len(w.B); n > 0 {
		switch w.B[n-1] {
		case '{', '[', ':', ' ', '\n':
		default:
			w.B = append(w.B, ',')
		}
	}
}

// Open begins an object or an array, given as '{' or '['.
func (w *Writer) Open(bracket byte) *Writer {
	w.sep()
	w.B = append(w.B, bracket)
	return w
}

// Close ends an object or an array, given as '}' or ']'.
func (w *Writer) Close(bracket byte) *Writer {
	w.B = append(w.B, bracket)
	return w
}

// Key begins a member; its value follows. A name may be anything: some are a caller's.
func (w *Writer) Key(name string) *Writer {
	w.sep()
	w.B = append(AppendString(w.B, name), ':')
	return w
}

// Str writes a text.
func (w *Writer) Str(s string) *Writer {
	w.sep()
	w.B = AppendString(w.B, s)
	return w
}

// Int writes an integer.
func (w *Writer) Int(n int64) *Writer {
	w.sep()
	w.B = strconv.AppendInt(w.B, n, 10)
	return w
}

// Bool writes a truth value.
func (w *Writer) Bool(b bool) *Writer {
	w.sep()
	w.B = strconv.AppendBool(w.B, b)
	return w
}

// Null writes null.
func (w *Writer) Null() *Writer { return w.Raw("null") }

// Raw writes what is JSON already.
func (w *Writer) Raw(json string) *Writer {
	w.sep()
	w.B = append(w.B, json...)
	return w
}

// Bytes writes what is JSON already.
func (w *Writer) Bytes(json []byte) *Writer {
	w.sep()
	w.B = append(w.B, json...)
	return w
}

// Text writes a member whose value is a text, if it is not empty.
func (w *Writer) Text(name, s string) *Writer {
	if s != "" {
		w.Key(name).Str(s)
	}
	return w
}

// Member writes a member whose value is JSON already, if there is any.
func (w *Writer) Member(name string, json []byte) *Writer {
	if len(json) > 0 {
		w.Key(name).Bytes(json)
	}
	return w
}

// plain are the bytes that stand for themselves in a text.
var plain = func() (out [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		out[c] = c != '"' && c != '\\'
	}
	return out
}()

// AppendString appends s as a JSON text. What is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		dst = append(dst, s[from:i]...)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = append(dst, "\ufffd"...)
		}
		i += n
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
