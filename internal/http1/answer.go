package http1

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantry-ai/gantry/internal/http1/field"
)

// maxPending is how much of an answer is collected before it is sent; what is shorter is told its length.
const maxPending = 4 << 10

// chunkHead is the space that the size of a chunk takes, in hexadecimal with leading zeros. Source: RFC 9112, section 7.1.
const chunkHead = len("00000000\r\n")

// pieces keeps the memory of what waits to be sent and of what is sent: an answer has some only meanwhile.
var pieces = sync.Pool{New: func() any { b := make([]byte, 0, 2*maxPending); return &b }}

// errOver is what a handler is told that writes after it has returned.
var errOver = errors.New("http1: the handler has returned")

// answer is the http.ResponseWriter of a request. It is for the goroutine of the handler.
type answer struct {
	conn   *conn
	body   body // of the request
	header http.Header

	status   int
	length   int64   // as the header tells it; -1: it does not
	written  int64   // of the content
	pending  *[]byte // content that is not sent; nil: there is none
	headed   bool    // the head is sent
	chunked  bool
	bodiless bool
	close    bool // no request may follow
	over     atomic.Bool
	failed   error // of the connection: nothing may follow what was not sent
}

// Header implements http.ResponseWriter. It counts as it is when it is sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Only the first final status counts; there are no informational ones.
func (a *answer) WriteHeader(status int) {
	if a.over.Load() || a.status != 0 || status < http.StatusOK {
		return
	}
	a.status = status
	a.bodiless = status == http.StatusNoContent || status == http.StatusNotModified
	if told := a.header["Content-Length"]; len(told) > 0 {
		n, err := strconv.ParseInt(told[0], 10, 64)
		if err != nil || n < 0 {
			delete(a.header, "Content-Length")
			return
		}
		a.length = n
	}
}

// Write implements http.ResponseWriter. Errors: http.ErrBodyNotAllowed, http.ErrContentLength, and the connection's.
func (a *answer) Write(p []byte) (int, error) {
	if err := a.admit(len(p)); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !a.headed && a.header["Content-Type"] == nil && a.header["Content-Encoding"] == nil {
		a.header["Content-Type"] = []string{http.DetectContentType(p)}
	}
	if a.waiting()+len(p) > maxPending {
		return len(p), a.send(p, false)
	}
	if a.pending == nil {
		a.pending = pieces.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	}
	*a.pending = append(*a.pending, p...)
	return len(p), nil
}

// waiting is how much content is not sent.
func (a *answer) waiting() int {
	if a.pending == nil {
		return 0
	}
	return len(*a.pending)
}

// admit reports whether so much more may be written.
func (a *answer) admit(n int) error {
	if a.over.Load() {
		return errOver
	}
	a.WriteHeader(http.StatusOK)
	switch {
	case a.failed != nil:
		return a.failed
	case a.bodiless && n > 0:
		return http.ErrBodyNotAllowed
	case a.length >= 0 && a.written+int64(n) > a.length:
		return http.ErrContentLength
	}
	a.written += int64(n)
	return nil
}

// FlushError implements http.ResponseController.
func (a *answer) FlushError() error {
	if err := a.admit(0); err != nil {
		return err
	}
	return a.send(nil, false)
}

// Flush implements http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// SetReadDeadline implements http.ResponseController.
func (a *answer) SetReadDeadline(t time.Time) error {
	a.conn.armed.Store(false)
	return a.conn.SetReadDeadline(t)
}

// SetWriteDeadline implements http.ResponseController. It ends with the answer.
func (a *answer) SetWriteDeadline(t time.Time) error {
	a.conn.timed.Store(!t.IsZero())
	return a.conn.SetWriteDeadline(t)
}

// FrameSize is how many bytes a frame must leave free at its beginning, for Chunk.
func (*answer) FrameSize() int { return chunkHead }

// Chunk sends the content of a frame, what follows its first FrameSize bytes, with what was written before it. It writes to the
// frame, and behind it where there is room, so that nothing is copied. Errors: those of Write.
func (a *answer) Chunk(frame []byte) error {
	content := len(frame) - chunkHead
	if content <= 0 {
		return nil // an empty chunk would end the answer
	}
	if err := a.admit(content); err != nil {
		return err
	}
	if !a.chunked || a.pending != nil { // the head goes with the first, too
		return a.send(frame[chunkHead:], false)
	}
	const digits = "0123456789abcdef"
	for i := chunkHead - 3; i >= 0; i-- {
		frame[i] = digits[content&15]
		content >>= 4
	}
	frame[chunkHead-2], frame[chunkHead-1] = '\r', '\n'
	_, a.failed = a.conn.Write(append(frame, "\r\n"...))
	return a.failed
}

// send sends what waits, and more behind it, in one call to the kernel. With last the answer is complete.
func (a *answer) send(more []byte, last bool) error {
	piece := pieces.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	b := (*piece)[:0]
	content := a.waiting() + len(more)
	if !a.headed {
		a.headed = true
		b = a.appendHead(b, content, last)
	}
	framed := a.chunked && content > 0
	if framed {
		b = append(strconv.AppendInt(b, int64(content), 16), "\r\n"...)
	}
	if a.pending != nil {
		b = append(b, *a.pending...)
		giveBack(a.pending)
		a.pending = nil
	}
	tail := ""
	if framed {
		tail = "\r\n"
	}
	if last && a.chunked {
		tail += "0\r\n\r\n"
	}
	if len(more) > maxPending {
		parts := net.Buffers{b, more, []byte(tail)}
		_, a.failed = parts.WriteTo(a.conn.Conn)
	} else if b = append(append(b, more...), tail...); len(b) > 0 {
		_, a.failed = a.conn.Write(b)
	}
	*piece = b
	giveBack(piece)
	return a.failed
}

func giveBack(piece *[]byte) {
	if cap(*piece) <= 4*maxPending {
		*piece = (*piece)[:0]
		pieces.Put(piece)
	}
}

// appendHead makes the head of an answer of which so much content is known; with last it is all.
func (a *answer) appendHead(b []byte, content int, last bool) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	text := http.StatusText(a.status)
	if text == "" {
		text = "status code " + strconv.Itoa(a.status)
	}
	b = append(append(append(b, ' '), text...), "\r\n"...)
	for name, values := range a.header {
		if name == "Transfer-Encoding" || name == "Connection" || !field.Token.All(name) || a.bodiless && name == "Content-Length" {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	if a.header["Date"] == nil {
		b = append(append(append(b, "Date: "...), a.conn.server.dates.Text(a.conn.server.now())...), "\r\n"...)
	}
	switch {
	case a.bodiless || a.length >= 0:
	case last:
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(content), 10), "\r\n"...)
	default:
		a.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	told := a.header["Connection"]
	asked := len(told) > 0 && strings.EqualFold(told[0], "close")
	a.close = a.close || asked || a.body.unread() || a.conn.server.draining.Load()
	if a.close {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendField writes a field. A value cannot end it before its time.
func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	start := len(b)
	b = append(b, value...)
	for i, c := range b[start:] {
		if c == '\r' || c == '\n' {
			b[start+i] = ' '
		}
	}
	return append(b, "\r\n"...)
}

// finish completes the answer and reports whether another may follow on the connection.
func (a *answer) finish() bool {
	a.WriteHeader(http.StatusOK)
	a.over.Store(true)
	whole := a.bodiless || a.length < 0 || a.written == a.length
	if a.failed == nil && (!a.headed || a.chunked || a.pending != nil) {
		_ = a.send(nil, true)
	}
	return whole && a.failed == nil && !a.close
}
