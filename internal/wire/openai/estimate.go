package openai

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Count counts text by how many tokens it makes, cheaply. The zero value is empty.
type Count struct {
	Narrow int64 // quarters of tokens that ASCII makes: its bytes, or less of short pieces
	Wide   int64 // characters of Chinese, Japanese and Korean
	Other  int64 // other characters

	sink *delivered // is told what is counted; nil: nobody is
}

// Add counts the inside of a JSON string as it is written, so an escape counts as the character that it stands for.
func (c *Count) Add(raw []byte) {
	if c.sink != nil {
		c.sink.add(raw)
	}
	for i := 0; i < len(raw); {
		if n := plain(raw[i:]); n > 0 {
			c.Narrow += int64(n)
			i += n
			continue
		}
		b := raw[i]
		switch {
		case b == '\\' && i+5 < len(raw) && raw[i+1] == 'u':
			c.escaped(raw[i+2 : i+6])
			i += 6
		case b == '\\':
			c.Narrow++
			i += 2
		case b < utf8.RuneSelf:
			c.Narrow++
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			c.rune(r)
			i += n
		}
	}
}

// plain returns the length of a beginning, in whole groups of eight bytes, that is ASCII without a backslash.
func plain(b []byte) (n int) {
	for len(b)-n >= 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		slash := w ^ ones*'\\'
		if (w|(slash-ones)&^slash)&highs != 0 {
			break
		}
		n += 8
	}
	return n
}

// escaped counts four hexadecimal digits by the first two: CJK begins at U+2E80.
func (c *Count) escaped(hex []byte) {
	switch {
	case hex[0] == '0' && hex[1] == '0':
		c.Narrow++
	case hex[0] > '2', hex[0] == '2' && (hex[1]|0x20 == 'e' || hex[1]|0x20 == 'f'):
		c.Wide++
	default:
		c.Other++
	}
}

func (c *Count) rune(r rune) {
	if r >= 0x2E80 && r < 0x1F000 {
		c.Wide++
		return
	}
	c.Other++
}

// Tokens returns the estimate: about four bytes of ASCII or a short piece of it, one and a half CJK characters or two others
// make a token.
func (c *Count) Tokens() int64 {
	twelfths := c.Narrow*3 + c.Wide*8 + c.Other*6
	return (twelfths + 11) / 12
}

// IsZero reports whether nothing was counted.
func (c *Count) IsZero() bool { return c.Narrow|c.Wide|c.Other == 0 }

// EstimateTokens estimates how many tokens a JSON text makes, such as the messages of a request.
func EstimateTokens(text []byte) int64 {
	var c Count
	c.Add(text)
	return c.Tokens()
}

// boundOverhead covers what an upstream's chat template adds around the messages.
const boundOverhead = 32

// ImageTokens is what a picture takes at most with the usual models; a few small models take far more.
const ImageTokens = 3000

// BoundTokens returns more tokens than a text of so many bytes can make: no tokenizer makes a token of less than a byte.
func BoundTokens(bodyBytes int) int64 { return int64(bodyBytes) + boundOverhead }

// BoundInput returns more input tokens than the request can be charged for, as far as its size tells, with perImage tokens
// for each picture. Files that are named by address or id are not allowed for.
func (f *Facts) BoundInput(perImage int64) int64 {
	return BoundTokens(f.MessageBytes+f.ToolBytes+f.InputBytes) + int64(f.Images)*perImage
}

// EstimateInput estimates the input tokens of the request whose facts these are; pictures count as ImageTokens each.
func (f *Facts) EstimateInput(body []byte) int64 {
	var c Count
	for _, key := range [...]int{keyMessages, keyInput, keyTools, keyFunctions, keyResponseFormat} {
		c.addWithoutFiles(f.spans[key].In(body))
	}
	return c.Tokens() + int64(f.Images)*ImageTokens
}

// addWithoutFiles leaves out the files that stand in the text as data URLs. Their bytes are counted for the bound all the
// same, where a text that only looks like one must not make the hold smaller.
func (c *Count) addWithoutFiles(raw []byte) {
	marker := []byte(";base64,")
	for {
		at := bytes.Index(raw, marker)
		if at < 0 {
			c.Add(raw)
			return
		}
		c.Add(raw[:at])
		raw = raw[at:]
		end := bytes.IndexByte(raw, '"')
		if end < 0 {
			return
		}
		raw = raw[end:]
	}
}
