package http1

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// patience is how long a request is under way before its client is watched. Most are answered by then, and cost nothing; a
// client who has left is noticed well within the 500 ms in which its upstream must be stopped.
const patience = 50 * time.Millisecond

// past is a deadline that ends every read.
var past = time.Unix(1, 0)

// watch notices that a client leaves while its request is under way, and cancels it then. A client that sends more is not
// watched any further, as in net/http: the end may be behind what it sent.
type watch struct {
	conn *conn

	mu     sync.Mutex
	timer  *time.Timer        // made by the first request
	cancel context.CancelFunc // of the request under way; nil: there is none
	body   *body
	looks  chan struct{} // closed when a look has ended; nil: nobody looks
}

// begin watches from now on.
func (w *watch) begin(cancel context.CancelFunc, b *body) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel, w.body = cancel, b
	if w.timer == nil {
		w.timer = time.AfterFunc(patience, w.look)
		return
	}
	w.timer.Reset(patience)
}

// end watches no more; whoever looked has ended, and the connection can be read again.
func (w *watch) end() {
	if looks := w.forget(); looks != nil {
		_ = w.conn.SetReadDeadline(past)
		<-looks
		w.conn.armed.Store(false)
	}
}

func (w *watch) forget() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel, w.body = nil, nil
	return w.looks
}

// look waits for the client's end, in the timer's goroutine, once the request has been read.
func (w *watch) look() {
	if !w.ready() {
		return
	}
	gone, err := w.conn.awaitEnd()
	if err != nil {
		gone = !errors.Is(err, os.ErrDeadlineExceeded)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.looks)
	w.looks = nil
	if gone && w.cancel != nil {
		w.cancel()
	}
}

// ready reports whether to look now. The deadline for the head must not end the look, and that of end must.
func (w *watch) ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.cancel == nil || w.looks != nil:
		return false
	case !w.body.done.Load():
		w.timer.Reset(patience)
		return false
	}
	w.conn.expectEver()
	w.looks = make(chan struct{})
	return true
}
