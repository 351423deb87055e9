// Package eventstream reads the binary frames in which AWS streams answers. Every frame has two checksums, and both are
// checked. Source: the provider sheet "azure-bedrock-vertex", section 3.
package eventstream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// ErrFrame says that what was read is no frame: a length that cannot be, a checksum that is wrong, or a header that does not
// end where it should.
var ErrFrame = errors.New("eventstream: not a frame")

// ErrTooLarge says that a frame is longer than the reader allows.
var ErrTooLarge = errors.New("eventstream: frame too large")

const (
	prelude = 12 // total length, length of the headers, checksum of both
	trailer = 4  // checksum of all that precedes it
	minimal = prelude + trailer
)

// Message is one frame. Its slices are valid until the next call of Next.
type Message struct {
	headers []byte
	Payload []byte
}

// Text returns a header that is a text, such as ":event-type"; empty when there is none.
func (m *Message) Text(name string) string {
	out := ""
	_ = eachHeader(m.headers, func(key []byte, kind byte, value []byte) {
		if kind == typeString && string(key) == name {
			out = string(value)
		}
	})
	return out
}

// Reader takes a stream apart into frames. It is for one goroutine.
type Reader struct {
	src io.Reader
	max int
	buf []byte
}

// NewReader returns a reader of r that refuses frames of more than maxFrame bytes.
func NewReader(r io.Reader, maxFrame int) *Reader { return &Reader{src: r, max: maxFrame} }

// Next returns the next frame. At the end of the stream the error is io.EOF, within a frame io.ErrUnexpectedEOF. Others are
// ErrFrame, ErrTooLarge and those of the source; nothing can be read behind them.
func (r *Reader) Next() (Message, error) {
	r.grow(minimal)
	head := r.buf[:prelude]
	if _, err := io.ReadFull(r.src, head); err != nil {
		return Message{}, err
	}
	total, headers := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	if crc32.ChecksumIEEE(head[:8]) != binary.BigEndian.Uint32(head[8:]) || total < minimal || headers > total-minimal {
		return Message{}, ErrFrame
	}
	if int64(total) > int64(r.max) {
		return Message{}, ErrTooLarge
	}
	r.grow(int(total))
	frame := r.buf[:total]
	if _, err := io.ReadFull(r.src, frame[prelude:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Message{}, err
	}
	body := frame[:total-trailer]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(frame[total-trailer:]) {
		return Message{}, ErrFrame
	}
	m := Message{headers: body[prelude : prelude+headers], Payload: body[prelude+headers:]}
	return m, eachHeader(m.headers, func([]byte, byte, []byte) {})
}

// grow makes room for n bytes and keeps what is there.
func (r *Reader) grow(n int) {
	if n > len(r.buf) {
		r.buf = append(make([]byte, 0, n), r.buf...)[:n]
	}
}

// typeString is the type of a header that is a text or bytes of up to 64 KiB; others have a fixed size.
const (
	typeBytes  = 6
	typeString = 7
)

// sizes are the lengths of values by their type: true, false, 8, 16, 32 and 64 bits, bytes, text, time, UUID.
var sizes = [...]int{0, 0, 1, 2, 4, 8, -1, -1, 8, 16}

// eachHeader calls f for every header. Error: ErrFrame.
func eachHeader(b []byte, f func(name []byte, kind byte, value []byte)) error {
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || len(b) < n+2 {
			return ErrFrame
		}
		name, kind := b[1:1+n], b[1+n]
		b = b[n+2:]
		size, skip := valueSize(kind, b)
		if size < 0 || len(b) < skip+size {
			return ErrFrame
		}
		f(name, kind, b[skip:skip+size])
		b = b[skip+size:]
	}
	return nil
}

// valueSize returns how long the value at the beginning of b is and how many bytes say so; size is negative where the type is
// not known or its length is cut.
func valueSize(kind byte, b []byte) (size, skip int) {
	if int(kind) >= len(sizes) {
		return -1, 0
	}
	if kind != typeBytes && kind != typeString {
		return sizes[kind], 0
	}
	if len(b) < 2 {
		return -1, 0
	}
	return int(binary.BigEndian.Uint16(b)), 2
}
