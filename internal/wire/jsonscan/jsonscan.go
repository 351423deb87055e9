// Package jsonscan finds a few wanted members of a JSON object in one pass, without decoding the rest.
//
// What it accepts is exactly what strict decoders accept: the whole text is checked against the grammar, so that the
// value found here is the value every reader behind us finds. encoding/json takes the last of two equal keys and does
// not care about letter case, other readers take the first and do care; a body that is checked by one and executed by the
// other is a way around prices and access rules (THREATS, row 63). Hence a wanted key that comes twice, in whatever
// spelling, or that comes in another letter case, is refused.
//
// Scanning allocates nothing unless it fails.
package jsonscan

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting that is read; the object itself counts as one.
const MaxDepth = 512

// maxName is the longest name that can be wanted, in bytes.
const maxName = 64

// Field is the span of a value in its body: body[Start:End]. The zero value means that there is none.
type Field struct{ Start, End int }

// Found reports whether the value was there; null counts as there.
func (f Field) Found() bool { return f.End > f.Start }

// In returns the value's bytes.
func (f Field) In(body []byte) []byte { return body[f.Start:f.End] }

// Keys is a fixed set of wanted names. It is immutable and safe for concurrent use.
type Keys struct {
	names   [][]byte
	lengths uint64 // bit n is set when a wanted name has n bytes
}

// NewKeys compiles a set of names: ASCII, at most 64 bytes each, no two equal but for letter case. Sets are written by
// programmers, so a bad one panics.
func NewKeys(names ...string) *Keys {
	k := &Keys{names: make([][]byte, len(names))}
	for i, name := range names {
		if len(name) == 0 || len(name) >= maxName || k.fold([]byte(name)) >= 0 || !ascii(name) {
			panic("jsonscan: bad wanted name " + name)
		}
		k.names[i] = []byte(name)
		k.lengths |= 1 << len(name)
	}
	return k
}

// Scan reads the object that body is and sets out[i] to the span of the value of the i-th name, or to the zero Field.
// out must be as long as the set. members is the number of members of the object; insertAt is the offset right behind its
// opening brace, where a member can be put in.
// The error is an *Error: one of ErrSyntax, ErrNotObject, ErrTrailing, ErrControl, ErrUTF8, ErrDepth, ErrDuplicate, ErrCase.
func (k *Keys) Scan(body []byte, out []Field) (members, insertAt int, err error) {
	clear(out)
	s := scanner{b: body}
	s.space()
	if s.peek() != '{' {
		return 0, 0, s.notObject()
	}
	s.i++
	insertAt = s.i
	members, err = s.members(1, k, out)
	if err != nil {
		return 0, 0, err
	}
	if s.space(); s.i < len(body) {
		return 0, 0, s.fail(ErrTrailing)
	}
	if s.high&highs != 0 && !utf8.Valid(body) {
		return 0, 0, &Error{Err: ErrUTF8, Offset: firstInvalid(body)}
	}
	return members, insertAt, nil
}

// notObject tells nesting that no one should be made to read from everything else that is no object.
func (s *scanner) notObject() error {
	err := s.fail(ErrNotObject)
	if s.peek() == '[' {
		if deep := s.value(0); errors.Is(deep, ErrDepth) {
			return deep
		}
	}
	return err
}

// note files the value that follows under its key, if the key is wanted.
func (k *Keys) note(s *scanner, key Field, out []Field, value Field) error {
	i, exact := k.match(s.b[key.Start+1 : key.End-1])
	switch {
	case i < 0:
		return nil
	case out[i].Found():
		return &Error{Err: ErrDuplicate, Key: string(k.names[i]), Offset: key.Start}
	case !exact:
		return &Error{Err: ErrCase, Key: string(k.names[i]), Offset: key.Start}
	}
	out[i] = value
	return nil
}

// match returns the place of the name that raw, a key as it is written, spells in any letter case, or -1.
func (k *Keys) match(raw []byte) (place int, exact bool) {
	if bytes.IndexByte(raw, '\\') < 0 && len(raw) < maxName {
		for i, name := range k.names {
			if len(name) == len(raw) && string(name) == string(raw) {
				return i, true
			}
		}
		if k.lengths&(1<<len(raw)) == 0 && asciiOnly(raw) {
			return -1, false
		}
		return k.fold(raw), false
	}
	// A letter of a wanted name has spellings of up to three bytes (the Kelvin sign folds to k).
	var buf [3*maxName + utf8.UTFMax]byte
	plain, ok := appendUnescaped(buf[:0], raw, 3*maxName)
	if !ok {
		return -1, false
	}
	i := k.fold(plain)
	return i, i >= 0 && string(k.names[i]) == string(plain)
}

// fold compares as encoding/json does: by Unicode simple folding, under which ſ is an s and K is a k.
func (k *Keys) fold(key []byte) int {
	for i, name := range k.names {
		if bytes.EqualFold(name, key) {
			return i
		}
	}
	return -1
}

func ascii(s string) bool { return asciiOnly([]byte(s)) }

func asciiOnly(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
