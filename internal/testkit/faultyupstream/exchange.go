package faultyupstream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Exchange is one request and what becomes of it. Write errors are not told: a peer that has left is seen by Gone.
type Exchange struct {
	Request *http.Request
	Body    []byte

	conn   net.Conn
	quiet  chan struct{} // closed when the peer sent something more, or left
	gone   chan struct{}
	closed bool
}

func newExchange(c net.Conn, in *bufio.Reader, req *http.Request, body []byte) *Exchange {
	e := &Exchange{Request: req, Body: body, conn: c, quiet: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(e.quiet)
		if _, err := in.Peek(1); err != nil {
			close(e.gone)
		}
	}()
	return e
}

// Streamed reports whether the request asks for a stream.
func (e *Exchange) Streamed() bool { return strings.Contains(string(e.Body), `"stream":true`) }

// Gone is closed when the peer has closed its connection.
func (e *Exchange) Gone() <-chan struct{} { return e.gone }

// Stall sends nothing more, and returns when the peer has given up.
func (e *Exchange) Stall() {
	<-e.gone
	e.closed = true
}

// Swallow reads what the peer still sends and returns when it has left.
func (e *Exchange) Swallow() { _, _ = io.Copy(io.Discard, e.Request.Body) }

// Write sends text as it is.
func (e *Exchange) Write(text string) { _, _ = io.WriteString(e.conn, text) }

// Drip sends text byte by byte, each in a write of its own.
func (e *Exchange) Drip(text string) {
	for i := range len(text) {
		e.Write(text[i : i+1])
	}
}

// Head sends a status line and headers; lines are whole header lines.
func (e *Exchange) Head(status int, lines ...string) {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	e.Write(b.String() + "\r\n")
}

// Whole sends a complete answer of a content type.
func (e *Exchange) Whole(status int, contentType, body string, lines ...string) {
	e.Head(status, append([]string{"Content-Type: " + contentType, "Content-Length: " + strconv.Itoa(len(body))}, lines...)...)
	e.Write(body)
}

// Stream begins a chunked event stream.
func (e *Exchange) Stream() {
	e.Head(http.StatusOK, "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
}

// Chunk sends text as one chunk.
func (e *Exchange) Chunk(text string) { e.Write(fmt.Sprintf("%x\r\n%s\r\n", len(text), text)) }

// End sends the chunk that ends a chunked answer.
func (e *Exchange) End() { e.Write("0\r\n\r\n") }

// Close closes the connection in good order.
func (e *Exchange) Close() {
	e.closed = true
	_ = e.conn.Close()
}

// Reset closes the connection with a TCP reset: what was not read by the peer yet is lost.
func (e *Exchange) Reset() {
	if tcp, ok := e.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	e.Close()
}
