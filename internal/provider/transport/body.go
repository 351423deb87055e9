package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// body is that of an answer. It reads from the connection straight into its reader's memory: what http.ReadResponse has
// read too far comes first, and then nothing of the call is kept but these few fields, however long the stream is open.
// At its end the connection is free again. It is for one goroutine.
type body struct {
	conn *conn
	ctx  context.Context //nolint:containedctx // the call's; http.Response carries it as well
	stop func() bool

	chunked bool
	chunks  chunks
	left    int64 // bytes to come; negative: until the server hangs up
	last    bool  // the connection is not used again
	over    bool
	err     error
}

// Read implements io.Reader. After the context has ended its error is the context's.
func (b *body) Read(p []byte) (int, error) {
	for len(p) > 0 && b.err == nil {
		if b.over {
			return 0, io.EOF
		}
		n, err := b.read(p)
		if err != nil {
			b.err = b.explain(err)
			if errors.Is(err, io.EOF) {
				b.finish(true)
			}
		}
		if n > 0 {
			if errors.Is(err, io.EOF) {
				b.err = nil // it is over; the next call says so
			}
			return n, nil
		}
	}
	return 0, b.err
}

// OnWait has tell called before a Read waits for the server: there is nothing more at hand. Its error ends the body. It
// reports false where that cannot be known; then tell is never called.
func (b *body) OnWait(tell func() error) bool {
	if b.over || !b.conn.bare.canTell() {
		return false
	}
	b.conn.bare.onWait = tell
	return true
}

// read reads once. It may return no bytes when all that came was framing; its io.EOF is the end of a whole body.
func (b *body) read(p []byte) (int, error) {
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.conn.next(p)
	if b.chunked {
		return b.dechunk(p[:n], err)
	}
	if b.left > 0 {
		b.left -= int64(n)
		switch {
		case b.left == 0:
			err = io.EOF
		case errors.Is(err, io.EOF):
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (b *body) dechunk(raw []byte, err error) (int, error) {
	n, used, bad := b.chunks.decode(raw)
	switch {
	case bad != nil:
		return n, bad
	case b.chunks.done():
		b.last = b.last || used < len(raw) // bytes that nobody asked for
		return n, io.EOF
	case errors.Is(err, io.EOF):
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *body) explain(err error) error {
	if ended := b.ctx.Err(); ended != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ended, context.Cause(b.ctx))
	}
	return err
}

// Close ends the call. What was not read yet is thrown away, with the connection.
func (b *body) Close() error {
	b.finish(false)
	return nil
}

// finish ends the call once: the connection is free when its answer was read to the end and nobody has cancelled it.
func (b *body) finish(whole bool) {
	if b.over {
		return
	}
	b.over = true
	c := b.conn
	b.conn, c.bare.onWait = nil, nil
	reusable := b.stop() && whole && !b.last && (c.reader == nil || c.reader.Buffered() == 0)
	c.release()
	if reusable {
		c.host.give(c)
		return
	}
	_ = c.Close()
}

// next reads what was read too far with the head, and then from the connection.
func (c *conn) next(p []byte) (int, error) {
	if c.reader == nil {
		return c.Conn.Read(p)
	}
	n, err := c.reader.Read(p[:min(c.reader.Buffered(), len(p))])
	c.releaseEmpty()
	return n, err
}
