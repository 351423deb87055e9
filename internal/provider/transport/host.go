package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// host keeps the connections to one address.
type host struct {
	o       *Options
	address string
	tls     *tls.Config // nil: plain
	proxied bool

	mu    sync.Mutex
	idle  []*conn // the one that was used last is at the end
	sweep bool    // a sweep is planned
}

// take returns a connection that can be used: the one that was idle for the shortest time, or a new one.
func (h *host) take(ctx context.Context) (*conn, error) {
	for {
		c := h.pop()
		if c == nil {
			return h.dialAside(ctx)
		}
		if c.bare.alive() {
			return c, nil
		}
		_ = c.Close()
	}
}

func (h *host) pop() *conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.idle)
	if n == 0 {
		return nil
	}
	c := h.idle[n-1]
	h.idle[n-1] = nil
	h.idle = h.idle[:n-1]
	return c
}

// give takes a connection back for later use.
func (h *host) give(c *conn) {
	c.since = h.o.Now()
	h.mu.Lock()
	if len(h.idle) < h.o.MaxIdle {
		h.idle = append(h.idle, c)
		c = nil
	}
	if !h.sweep {
		h.sweep = true
		time.AfterFunc(h.o.Idle, h.sweepIdle)
	}
	h.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// sweepIdle closes what nobody used for long, and comes again while there is something to close later.
func (h *host) sweepIdle() {
	if h.expire(h.o.Now().Add(-h.o.Idle)) {
		time.AfterFunc(h.o.Idle/2, h.sweepIdle)
	}
}

// expire closes the connections that are idle since before a moment, all when it is zero, and reports whether any are left.
func (h *host) expire(before time.Time) bool {
	h.mu.Lock()
	n := len(h.idle)
	for i, c := range h.idle { // the longest unused ones come first
		if !before.IsZero() && c.since.After(before) {
			n = i
			break
		}
	}
	old := h.idle[:n:n]
	h.idle = append([]*conn(nil), h.idle[n:]...)
	h.sweep = len(h.idle) > 0
	left := h.sweep
	h.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
	return left
}

// dialAside makes a connection on a stack that goes away: dialling and TLS take several KiB, and the stack of a call that grew for
// them would stay as large while its stream is open. When many calls begin at once, as many dial at once, and stacks as large as
// those of the calls would lie between them and leave gaps that nothing else can use: dialWith keeps them at half of that.
func (h *host) dialAside(ctx context.Context) (*conn, error) {
	type dialled struct {
		conn *conn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		c, err := h.dial(ctx)
		done <- dialled{c, err}
	}()
	d := <-done // dialling ends with ctx
	return d.conn, d.err
}

func (h *host) dial(ctx context.Context) (*conn, error) {
	plain, err := h.o.Dial(ctx, "tcp", h.address)
	if err != nil {
		return nil, err
	}
	return h.secure(ctx, plain)
}

// secure makes a connection of the host of a bare one, with its handshake where the host wants TLS. It is apart from dial so that
// what it keeps on the stack is not there while the connection is waited for.
func (h *host) secure(ctx context.Context, plain net.Conn) (*conn, error) {
	bare := newSocket(plain)
	c := &conn{Conn: bare, host: h, bare: bare}
	if h.tls == nil {
		return c, nil
	}
	secured := tls.Client(bare, h.tls)
	ctx, cancel := context.WithTimeout(ctx, h.o.Connect)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	c.Conn = secured
	return c, nil
}

var _ net.Conn = (*conn)(nil)
