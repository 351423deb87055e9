package transport

import "errors"

// errChunk says that a body's framing is not that of RFC 9112, section 7.1.
var errChunk = errors.New("transport: malformed chunked encoding")

// chunks takes the framing out of a chunked body, in place and in whatever pieces it comes. The zero value is at its
// beginning. Extensions and trailers are read over.
type chunks struct {
	state chunkState
	left  uint64 // of the chunk
	digit bool   // the size has a digit
	line  int    // bytes of the line being read over
}

type chunkState uint8

const (
	inSize chunkState = iota
	inExtension
	inData
	behindData   // a CR is to come
	behindCR     // then a LF
	inTrailer    // at the beginning of a line
	inTrailerRow // in a line
	atEnd        // the CR of the last, empty line was read
	ended
)

// maxLine bounds sizes with their extensions, and trailers: they are read for nothing.
const maxLine = 4 << 10

func (c *chunks) done() bool { return c.state == ended }

// decode moves the content of b to its beginning and returns its length, and how much of b belongs to the body.
func (c *chunks) decode(b []byte) (n, used int, err error) {
	for used < len(b) && c.state != ended {
		if c.state == inData {
			k := int(min(c.left, uint64(len(b)-used))) //nolint:gosec // not above the length of a slice
			if n != used {
				copy(b[n:], b[used:used+k])
			}
			n, used = n+k, used+k
			if c.left -= uint64(k); c.left == 0 {
				c.state = behindData
			}
			continue
		}
		if c.state == behindData {
			if k := c.between(b[used:]); k > 0 {
				used += k
				continue
			}
		}
		if !c.frame(b[used]) {
			return n, used, errChunk
		}
		used++
	}
	return n, used, nil
}

// between takes what stands between two chunks, if b holds all of it and it is as plain as nearly always: a line end, a size
// of up to four digits, a line end. It returns its length, or 0 and has taken nothing.
func (c *chunks) between(b []byte) int {
	const most = len("\r\nffff\r\n")
	if len(b) < most || b[0] != '\r' || b[1] != '\n' {
		return 0
	}
	size, i := uint64(0), 2
	for ; i < most-2; i++ {
		v := hexValue[b[i]]
		if v == 0 {
			break
		}
		size = size<<4 | uint64(v-1)
	}
	if size == 0 || b[i] != '\r' || b[i+1] != '\n' {
		return 0
	}
	c.left = size
	c.state = inData
	return i + 2
}

// hexValue is one more than what a digit stands for; 0 for what is none.
var hexValue = func() (v [256]byte) {
	for i, digit := range "0123456789abcdef" {
		v[digit] = byte(i + 1)
	}
	for i, digit := range "ABCDEF" {
		v[digit] = byte(i + 11)
	}
	return v
}()

// frame takes one byte of framing and reports whether it may stand there.
func (c *chunks) frame(b byte) bool {
	switch c.state {
	case inSize:
		return c.size(b)
	case inExtension:
		c.line++
		if b == '\n' {
			c.begin()
		}
		return c.line < maxLine
	case behindData:
		c.state = behindCR
		return b == '\r'
	case behindCR:
		c.state, c.digit, c.line = inSize, false, 0
		return b == '\n'
	case inTrailer, inTrailerRow, atEnd:
		return c.trailer(b)
	case inData, ended:
	}
	return false
}

func (c *chunks) size(b byte) bool {
	var v byte
	switch {
	case b-'0' <= 9:
		v = b - '0'
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		v = b | 0x20 - 'a' + 10
	case !c.digit:
		return false
	case b == '\n':
		c.begin()
		return true
	case b == '\r' || b == ';' || b == ' ' || b == '\t':
		c.state, c.line = inExtension, 0
		return true
	default:
		return false
	}
	if c.left>>56 != 0 {
		return false // it would not fit
	}
	c.left, c.digit = c.left<<4|uint64(v), true
	return true
}

// begin starts the chunk whose size was read; the one without content is the last.
func (c *chunks) begin() {
	c.state = inData
	if c.left == 0 {
		c.state, c.line = inTrailer, 0
	}
}

func (c *chunks) trailer(b byte) bool {
	c.line++
	switch {
	case c.state == atEnd:
		c.state = ended
		return b == '\n'
	case b == '\n' && c.state == inTrailer:
		c.state = ended
	case b == '\n':
		c.state = inTrailer
	case b == '\r' && c.state == inTrailer:
		c.state = atEnd
	default:
		c.state = inTrailerRow
	}
	return c.line < maxLine
}
