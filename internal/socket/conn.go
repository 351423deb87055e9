package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const (
	// keepAlive is how often a peer is asked whether it is there. patience is how long it may take to answer: longer than a
	// reader of ours may be held up, because the answer is heard by who reads.
	keepAlive = 30 * time.Second
	patience  = 2 * time.Minute
	// maxPings is how many pings are answered in pingWindow; whoever sends more is not asking.
	maxPings   = 100
	pingWindow = 10 * time.Second
)

// Conn is a Line over the network.
type Conn struct {
	ws    *websocket.Conn
	beat  *time.Timer
	pings pings
}

// newConn takes a connection into use. most bounds a message, in bytes.
func newConn(ws *websocket.Conn, most int64) *Conn {
	ws.SetReadLimit(most)
	c := &Conn{ws: ws}
	c.beat = time.AfterFunc(keepAlive, c.ask)
	return c
}

// ask asks the peer whether it is there, so that a connection which broke without a word does not stay open.
func (c *Conn) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if c.ws.Ping(ctx) != nil {
		_ = c.ws.CloseNow()
		return
	}
	c.beat.Reset(keepAlive)
}

// Read implements Line. Somebody must read for pings to be answered.
func (c *Conn) Read(ctx context.Context) ([]byte, error) {
	kind, message, err := c.ws.Read(ctx)
	switch {
	case err != nil:
		return nil, c.ended(ctx, err)
	case kind != websocket.MessageText:
		return nil, c.refuse(Unsupported, "messages are text")
	case !utf8.Valid(message):
		return nil, c.refuse(Garbled, "the text is not UTF-8")
	}
	return message, nil
}

// Write implements Line.
func (c *Conn) Write(ctx context.Context, message []byte) error {
	if err := c.ws.Write(ctx, websocket.MessageText, message); err != nil {
		return c.ended(ctx, err)
	}
	return nil
}

// Close implements Line.
func (c *Conn) Close(code Code, reason string) {
	c.beat.Stop()
	_ = c.ws.Close(websocket.StatusCode(code), shorten(reason))
}

func (c *Conn) refuse(code Code, reason string) error {
	c.Close(code, reason)
	return &ClosedError{code, reason}
}

// ended says what an error means: the context's end, what the peer said, or what it did that the protocol does not allow.
func (c *Conn) ended(ctx context.Context, err error) error {
	var said websocket.CloseError
	var network net.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said):
		return &ClosedError{Code(said.Code), said.Reason}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return c.refuse(TooBig, "the message is too large")
	case c.pings.flooded.Load():
		return &ClosedError{Refused, tooManyPings}
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return &ClosedError{Code: Broken}
	}
	return c.refuse(Violation, "this is not the WebSocket protocol")
}

const tooManyPings = "too many pings"

// pings counts those of a peer. The goroutine that reads uses it.
type pings struct {
	since   time.Time
	count   int
	flooded atomic.Bool
}

// answers reports whether one more ping is answered.
func (p *pings) answers(now time.Time) bool {
	if now.Sub(p.since) > pingWindow {
		p.since, p.count = now, 0
	}
	p.count++
	return p.count <= maxPings
}
