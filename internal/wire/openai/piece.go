package openai

import (
	"encoding/binary"
	"math/bits"
)

// maxPiece is how long a text may be to be looked at as a piece of a stream, in bytes. Upstreams send a token at a time, and
// nearly all tokens of English and of code are shorter.
const maxPiece = 8

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quarters counts the quarters of tokens that a piece of ASCII makes. A text makes one for each of its bytes, but a piece is
// seldom more tokens than it has words, signs and digits: four quarters for each of those, where that is less. It reports
// false for what is no such piece, or has an escape.
func quarters(raw []byte) (n int64, ok bool) {
	if len(raw) > maxPiece {
		return 0, false
	}
	w := packed(raw)
	slash := w ^ ones*'\\'
	if (w|(slash-ones)&^slash)&highs != 0 {
		return 0, false
	}
	// Of every byte the highest bit, which ASCII leaves free, says what it is.
	lower := w | ones*0x20
	letters := (lower + ones*(0x80-'a')) &^ (lower + ones*(0x7f-'z')) & highs
	visible := (w + ones*(0x7f-' ')) & highs
	words := bits.OnesCount64(letters &^ (letters << 8))
	tokens := max(1, words+bits.OnesCount64(visible&^letters))
	return int64(min(len(raw), 4*tokens)), true
}

// packed is up to eight bytes in one word; those that are missing are zero.
func packed(b []byte) uint64 {
	n := len(b)
	switch {
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	case n >= 2:
		return uint64(binary.LittleEndian.Uint16(b)) | uint64(binary.LittleEndian.Uint16(b[n-2:]))<<(8*(n-2))
	case n == 1:
		return uint64(b[0])
	}
	return 0
}

// AddPiece counts as Add does, but what may be a piece of a stream by its words. It is for what models say.
func (c *Count) AddPiece(raw []byte) {
	n, ok := quarters(raw)
	if !ok {
		c.Add(raw)
		return
	}
	if c.sink != nil {
		c.sink.add(raw)
	}
	c.Narrow += n
}

// MostQuarters is the most quarters of tokens that AddPiece counts of a text: no token is less than a byte.
func MostQuarters(raw []byte) int64 {
	if n, ok := quarters(raw); ok {
		return n
	}
	return 4 * int64(len(raw))
}

// narrow counts the quarters of tokens that ASCII without escapes makes.
func narrow(text []byte) int64 {
	if n, ok := quarters(text); ok {
		return n
	}
	return int64(len(text))
}
