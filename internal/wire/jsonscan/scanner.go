package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// scanner walks over a text and checks it against the grammar of RFC 8259.
type scanner struct {
	b    []byte
	i    int
	high uint64 // the union of all eight-byte groups of strings: a high bit says that there was a byte above ASCII
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func (s *scanner) fail(err error) error { return &Error{Err: err, Offset: s.i} }

// peek returns the byte at hand, or 0 at the end; a 0 in the text is valid nowhere.
func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return
		}
	}
}

// members reads up to the closing brace, from behind the opening one. With wanted it files their values in out.
func (s *scanner) members(depth int, wanted *Keys, out []Field) (n int, err error) {
	s.space()
	if s.peek() == '}' {
		s.i++
		return 0, nil
	}
	for {
		var key, value Field
		if key, value, err = s.member(depth); err != nil {
			return n, err
		}
		n++
		if wanted != nil {
			if err = wanted.note(s, key, out, value); err != nil {
				return n, err
			}
		}
		more, err := s.another('}')
		if !more {
			return n, err
		}
	}
}

func (s *scanner) member(depth int) (key, value Field, err error) {
	s.space()
	key.Start = s.i
	if err = s.text(); err != nil {
		return
	}
	key.End = s.i
	s.space()
	if s.peek() != ':' {
		return key, value, s.fail(ErrSyntax)
	}
	s.i++
	s.space()
	value.Start = s.i
	err = s.value(depth)
	value.End = s.i
	return
}

// another reads what follows an element: a comma, or the closing bracket.
func (s *scanner) another(closing byte) (bool, error) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		return true, nil
	case closing:
		s.i++
		return false, nil
	}
	return false, s.fail(ErrSyntax)
}

// value reads any value inside a container of the given depth.
func (s *scanner) value(depth int) error {
	switch c := s.peek(); c {
	case '"':
		return s.text()
	case '{', '[':
		if depth >= MaxDepth {
			return s.fail(ErrDepth)
		}
		s.i++
		if c == '[' {
			return s.elements(depth + 1)
		}
		_, err := s.members(depth+1, nil, nil)
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) elements(depth int) error {
	s.space()
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
		if more, err := s.another(']'); !more {
			return err
		}
	}
}

func (s *scanner) literal(word string) error {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return s.fail(ErrSyntax)
	}
	s.i += len(word)
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return s.fail(ErrSyntax)
	}
	if s.peek() == '.' {
		if s.i++; !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > from
}

// text reads a string, eight bytes at a time where nothing special is among them.
func (s *scanner) text() error {
	if s.peek() != '"' {
		return s.fail(ErrSyntax)
	}
	s.i++
	for {
		s.plain()
		if s.i >= len(s.b) {
			return s.fail(ErrSyntax)
		}
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return s.fail(ErrControl)
		default:
			s.high |= uint64(c)
			s.i++
		}
	}
}

// plain advances to the next quote, backslash or control byte, or to within eight bytes of the end.
func (s *scanner) plain() {
	for from := s.i; len(s.b)-s.i >= 8; {
		w := binary.LittleEndian.Uint64(s.b[s.i:])
		if m := special(w); m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			s.high |= w & (1<<n - 1)
			s.i += n / 8
			return
		}
		s.high |= w
		if s.i += 8; s.i-from == long {
			s.prose()
		}
	}
}

// long is how much of a string is looked at before it is taken for a prompt.
const long = 128

// prose advances over a long text to shortly before the first byte that plain must look at. A prompt is one string, so this
// is where the time goes: the library finds quotes and backslashes with vector instructions, and what is left to do are the
// control bytes. It looks a little ahead at first and further as it goes well, so that a text full of escapes is not searched
// to its end for each of them.
func (s *scanner) prose() {
	for ahead := 256; ; ahead = min(2*ahead, 32<<10) {
		text := s.b[s.i:min(s.i+ahead, len(s.b))]
		whole := len(text) == ahead
		for _, c := range [...]byte{'"', '\\'} {
			if n := bytes.IndexByte(text, c); n >= 0 {
				text, whole = text[:n], false
			}
		}
		n, high := printable(text)
		s.i += n
		s.high |= high
		if !whole || n < ahead {
			return
		}
	}
}

// printable returns how much of the beginning of a text, in groups of 32 bytes, has no control byte, and the union of its
// groups of eight.
func printable(text []byte) (n int, high uint64) {
	for ; len(text)-n >= 32; n += 32 {
		g := text[n : n+32 : n+32]
		w0, w1 := binary.LittleEndian.Uint64(g), binary.LittleEndian.Uint64(g[8:])
		w2, w3 := binary.LittleEndian.Uint64(g[16:]), binary.LittleEndian.Uint64(g[24:])
		if ((w0-ones*' ')&^w0|(w1-ones*' ')&^w1|(w2-ones*' ')&^w2|(w3-ones*' ')&^w3)&highs != 0 {
			break
		}
		high |= w0 | w1 | w2 | w3
	}
	return n, high
}

// special marks the bytes of w that are a quote, a backslash or below a space, with their high bit. A borrow can mark a
// byte above a true one as well, so only the lowest mark is to be believed.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

func (s *scanner) escape() error {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
		if len(s.b)-s.i > 4 && hex4(s.b[s.i+1:]) >= 0 {
			s.i += 5
			return nil
		}
	}
	return s.fail(ErrSyntax)
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
