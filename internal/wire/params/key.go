package params

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

func escaped(key []byte) bool { return bytes.IndexByte(key, '\\') >= 0 }

// plain returns what the inside of a key stands for, or the key as it is written when it is no text.
func plain(key []byte) string {
	if !escaped(key) {
		return string(key)
	}
	quoted := append(append([]byte{'"'}, key...), '"')
	s, err := jsonscan.String(quoted, jsonscan.Field{End: len(quoted)})
	if err != nil {
		return string(key)
	}
	return s
}

// offset returns where in text a slice of it begins. An iterator's slices share their array with the text to its end.
func offset(text, part []byte) int { return cap(text) - cap(part) }

// text returns the text that a string value stands for; false for values that are no strings.
func text(value []byte) (string, bool) {
	s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
	return s, err == nil
}
