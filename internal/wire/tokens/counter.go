package tokens

import (
	"unicode"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

const (
	// maxExact is how much text is counted by a vocabulary, in bytes.
	maxExact = 128 << 10
	// maxPending is how much text may wait for a place where it can be cut without changing the count. Longer runs without
	// one are cut anyway, which may add a token. It also bounds what merging a run costs, which grows faster than its length.
	maxPending = 1024
	// worth is how much text has to wait before part of it is counted in advance.
	worth = 64
)

// Counter counts a text that comes in pieces, in memory that does not grow. The zero value approximates.
type Counter struct {
	codec   tokenizer.Codec
	pending []byte
	counted int64 // tokens of what was counted by the vocabulary
	bytes   int   // how much that was
	rest    Approximation
}

// New returns a counter for models of a family.
func New(f Family) *Counter { return &Counter{codec: f.codec()} }

// Add adds a piece.
func (c *Counter) Add(text string) {
	if c.codec == nil {
		c.rest.Add(text)
		return
	}
	for len(text) > 0 && c.bytes < maxExact {
		n := min(len(text), maxPending-len(c.pending), maxExact-c.bytes-len(c.pending))
		c.pending = append(c.pending, text[:n]...)
		text = text[n:]
		if len(c.pending) == maxPending || c.bytes+len(c.pending) == maxExact {
			c.cut(true)
		}
	}
	c.rest.Add(text)
}

// Floor returns the tokens of most of the text so far: never more than Total returns then or later, however the text goes
// on.
func (c *Counter) Floor() int64 {
	if len(c.pending) >= worth {
		c.cut(false)
	}
	return c.counted + c.rest.Tokens()
}

// Total returns the tokens of the text so far.
func (c *Counter) Total() int64 { return c.counted + c.tokens(c.pending) + c.rest.Tokens() }

// cut counts what is pending up to the last place at which cutting changes nothing; without one, when it must, up to the
// last whole character.
func (c *Counter) cut(must bool) {
	at := seam(c.pending)
	if at == 0 && !must {
		return
	}
	if at == 0 {
		at = whole(c.pending)
	}
	c.counted += c.tokens(c.pending[:at])
	c.bytes += at
	c.pending = append(c.pending[:0], c.pending[at:]...)
	if must && c.bytes+len(c.pending) >= maxExact { // nothing more is counted exactly
		c.counted += c.tokens(c.pending)
		c.bytes, c.pending = maxExact, nil
	}
}

// tokens counts by the vocabulary; text that it cannot take apart is approximated.
func (c *Counter) tokens(text []byte) int64 {
	if len(text) == 0 {
		return 0
	}
	n, err := c.codec.Count(string(text))
	if err != nil {
		var a Approximation
		a.Add(string(text))
		return a.Tokens()
	}
	return int64(n)
}

// seam returns the last place at which the patterns of both vocabularies end a word: behind a letter or digit, before what
// is none and cannot continue one (marks do, and an apostrophe may). 0 when there is none.
func seam(text []byte) int {
	next, size := utf8.DecodeLastRune(text)
	for at := len(text) - size; at > 0; at -= size {
		var prev rune
		prev, size = utf8.DecodeLastRune(text[:at])
		if isWord(prev) && !isWord(next) && !unicode.IsMark(next) && next != '\'' && next != utf8.RuneError {
			return at
		}
		next = prev
	}
	return 0
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// whole returns the length of the text without the beginning of a character that it ends with.
func whole(text []byte) int {
	for back := 1; back < utf8.UTFMax && back < len(text); back++ {
		at := len(text) - back
		if utf8.RuneStart(text[at]) {
			if utf8.FullRune(text[at:]) {
				return len(text)
			}
			return at
		}
	}
	return len(text)
}
