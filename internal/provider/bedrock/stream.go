package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/eventstream"
)

// maxFrame bounds a frame; AWS's own are at most 16 MiB.
const maxFrame = 16 << 20

// frame is a frame of a stream.
type frame struct {
	// kind is the event's type, or that of an exception.
	kind      string
	exception bool
	payload   []byte
}

// body is a stream of frames that is read as server-sent events. It is for one goroutine.
type body struct {
	src    io.ReadCloser
	frames *eventstream.Reader
	event  func(dst []byte, f frame) ([]byte, error)
	buf    []byte
	left   []byte // of buf
	err    error
}

func newBody(src io.ReadCloser, event func([]byte, frame) ([]byte, error)) *body {
	return &body{src: src, frames: eventstream.NewReader(src, maxFrame), event: event}
}

// Read gives the events, a frame at a time. A frame that is none ends the stream with its error.
func (b *body) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.next()
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

func (b *body) next() {
	m, err := b.frames.Next()
	if err != nil {
		b.err = err
		return
	}
	b.buf, b.err = b.event(b.buf[:0], frameOf(&m))
	b.left = b.buf
}

func frameOf(m *eventstream.Message) frame {
	switch m.Text(":message-type") {
	case "exception":
		return frame{m.Text(":exception-type"), true, m.Payload}
	case "error":
		text, err := json.Marshal(map[string]string{"message": m.Text(":error-message")})
		if err != nil {
			panic(err) // a text can be written
		}
		return frame{m.Text(":error-code"), true, text}
	}
	return frame{m.Text(":event-type"), false, m.Payload}
}

// Close closes the frames.
func (b *body) Close() error { return b.src.Close() }

// OnWait is that of the frames: they are read only when no event is at hand. See provider.Waiter.
func (b *body) OnWait(tell func() error) bool {
	w, ok := b.src.(provider.Waiter)
	return ok && w.OnWait(tell)
}

var (
	_ provider.Waiter = (*body)(nil)

	errPayload = errors.New("bedrock: a frame does not hold an event")
)

// appendEvent appends an event. Its data is put on one line.
func appendEvent(dst []byte, name string, data []byte) ([]byte, error) {
	if !json.Valid(data) {
		return dst, errPayload
	}
	dst = append(append(dst, "event: "...), name...)
	dst = append(dst, "\ndata: "...)
	if bytes.ContainsAny(data, "\r\n") {
		var one bytes.Buffer
		if err := json.Compact(&one, data); err != nil {
			return dst, errPayload
		}
		data = one.Bytes()
	}
	return append(append(dst, data...), "\n\n"...), nil
}
