// Package field reads the fields that the heads of requests and of answers have in common, as HTTP/1.1 has them and nothing more
// lenient. What it does not take is net/http's to read, and to refuse. Source: RFC 9110, section 5; decision 0041.
package field

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxDigits is how long a Content-Length may be.
const maxDigits = 15

var headEnd = []byte("\r\n\r\n")

// Head takes the first line and the fields out of a message whose head has come whole, and returns the head's length; else 0.
func Head(b []byte) (line, fields string, length int) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return "", "", 0
	}
	line, fields, _ = strings.Cut(string(b[:end]), "\r\n")
	return line, fields, end + len(headEnd)
}

// Parse reads fields, one per line, without the line end of the last. Their values are parts of text. note is asked about each, with
// its name in canonical form and those before it: whether it stays in the header, and whether it is usual. Parse reports false
// where a field is not, or is malformed.
func Parse(text string, note func(before http.Header, name, value string) (stays, usual bool)) (http.Header, bool) {
	n := 1 + strings.Count(text, "\r\n")
	header := make(http.Header, n)
	values := make([]string, 0, n) // of all fields, most of which have one
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if name = canonical(name); !ok || name == "" || !Value.All(value) {
			return nil, false
		}
		stays, usual := note(header, name, value)
		if !usual {
			return nil, false
		}
		if !stays {
			continue
		}
		if first, ok := header[name]; ok {
			header[name] = append(first, value)
			continue
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return header, true
}

// canonical returns a name in canonical form, "" for what is none. Most are in it, and cost one look.
func canonical(name string) string {
	first := true
	for i := range len(name) {
		switch c := name[i]; {
		case !Token[c]:
			return ""
		case first && 'a' <= c && c <= 'z', !first && 'A' <= c && c <= 'Z':
			if !Token.All(name[i:]) {
				return ""
			}
			return textproto.CanonicalMIMEHeaderKey(name)
		default:
			first = c == '-'
		}
	}
	return name
}

// Length reads the value of a Content-Length.
func Length(value string) (n int64, ok bool) {
	if len(value) > maxDigits || !digits.All(value) {
		return 0, false
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil
}

// Closes reads the value of a Connection field: whether no other message follows. Other options than that are not usual.
func Closes(value string) (closes, usual bool) {
	closes = strings.EqualFold(value, "close")
	return closes, closes || strings.EqualFold(value, "keep-alive")
}

// Class is a set of bytes.
type Class [256]bool

// Alphanumeric are the letters and digits of ASCII.
const Alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// What fields are made of. Source: RFC 9110, sections 5.5 and 5.6.2.
var (
	Token  = ClassOf(Alphanumeric + "!#$%&'*+-.^_`|~")
	Value  = visible()
	digits = ClassOf("0123456789")
)

// ClassOf is the set of some bytes.
func ClassOf(members string) *Class {
	var c Class
	for _, b := range []byte(members) {
		c[b] = true
	}
	return &c
}

func visible() *Class {
	var c Class
	for b := range c {
		c[b] = b >= ' ' && b != 0x7f || b == '\t'
	}
	return &c
}

// All reports whether a text has no other bytes.
func (c *Class) All(text string) bool {
	for i := range len(text) {
		if !c[text[i]] {
			return false
		}
	}
	return true
}
