package gemini

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// emptyArray reports whether an array that was scanned has no element.
func emptyArray(text []byte) bool {
	return text[0] == '[' && len(bytes.Trim(text[1:len(text)-1], " \t\r\n")) == 0
}

// text is what a JSON string stands for; empty for what is none.
func text(value []byte) string {
	s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
	if err != nil {
		return ""
	}
	return s
}

// unquoted is the inside of a JSON string as it is written.
func unquoted(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// is reports whether a key as it is written is a name in either of its spellings.
func is(key []byte, camel, snake string) bool { return string(key) == camel || string(key) == snake }

// parts calls see with the members of every part of a content.
func parts(content []byte, see func(key, value []byte)) {
	for m := jsonscan.AnyMembers(content); m.Next(); {
		if string(m.Key) != "parts" {
			continue
		}
		list := jsonscan.AnyElements(m.Value)
		if isObject(m.Value) { // one part may stand without its list
			list = jsonscan.Elements(append(append([]byte{'['}, m.Value...), ']'))
		}
		for list.Next() {
			for p := jsonscan.AnyMembers(list.Value); p.Next(); {
				see(p.Key, p.Value)
			}
		}
	}
}
