package relay

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// listener is a caller that follows a tape.
type listener struct {
	tape *tape
	at   int // bytes that it was sent; under the tape's lock
}

// attach adds a listener; the call does not linger any more.
func (t *tape) attach() *listener {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &listener{tape: t}
	t.listeners = append(t.listeners, l)
	if t.lingering != nil {
		t.lingering.Stop()
		t.lingering = nil
	}
	return l
}

// leave takes a listener away. A call that nobody listens to any more goes on for a while: its caller may come back.
func (t *tape) leave(l *listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners = slices.DeleteFunc(t.listeners, func(other *listener) bool { return other == l })
	t.change() // whoever waited for this listener waits no longer
	if len(t.listeners) > 0 || t.done || t.cancel == nil {
		return
	}
	if t.book.draining.Load() {
		t.cancel()
		return
	}
	t.lingering = time.AfterFunc(t.book.Linger, t.endUnheard)
}

// endUnheard ends the call if nobody listens.
func (t *tape) endUnheard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.listeners) == 0 && !t.done && t.cancel != nil {
		t.cancel()
	}
}

// await waits until the tape is as wanted. The error is the context's.
func (l *listener) await(ctx context.Context, wanted func(*tape) bool) error {
	for {
		wait := l.tape.unless(wanted)
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unless returns what to wait for while the tape is not as wanted; nil when it is.
func (t *tape) unless(wanted func(*tape) bool) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wanted(t) {
		return nil
	}
	return t.next()
}

// answersAnother reports whether the tape is the answer to another request.
func (t *tape) answersAnother(fingerprint tasks.Digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known && t.fingerprint != fingerprint
}

// seek goes to where the listener wants to begin. Codes: that of a tape without an answer, invalid_event_id.
func (l *listener) seek(after string) error {
	t := l.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status == 0 {
		return t.err
	}
	if after == "" {
		return nil
	}
	task, n, err := parseEventID(after)
	if err != nil || task != t.taskID || !t.stream || n > len(t.ends) {
		return errEventID
	}
	l.at = t.ends[n-1]
	t.sent = max(t.sent, l.at) // the caller says that it has these
	t.change()
	return nil
}

// play sends the caller what is on the tape and what is still to come, until the answer ends or the caller leaves.
func (l *listener) play(ctx context.Context, w http.ResponseWriter, first bool, now clock.Clock, stall time.Duration) {
	l.head(w.Header(), first)
	w.WriteHeader(l.tape.status)
	out := http.NewResponseController(w)
	if l.tape.stream && out.Flush() != nil { // who resumes must not wait for the next event to know
		return
	}
	for {
		if l.await(ctx, func(t *tape) bool { return len(t.bytes) > l.at || t.done }) != nil {
			return
		}
		b, last := l.more()
		_ = out.SetWriteDeadline(now().Add(stall))
		if _, err := w.Write(b); err != nil {
			return
		}
		if l.tape.stream && out.Flush() != nil {
			return
		}
		l.advance(len(b))
		if last {
			return
		}
	}
}

// head copies the answer's header. How far limits were used is the business of who was first.
func (l *listener) head(h http.Header, first bool) {
	for name, values := range l.tape.header {
		if first || !strings.HasPrefix(name, "X-Ratelimit-") {
			h[name] = values
		}
	}
}

// more returns a piece that follows what was sent, and whether it is the last.
func (l *listener) more() (b []byte, last bool) {
	t := l.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	b = t.bytes[l.at:]
	if len(b) > piece {
		return b[:piece], false
	}
	return b, t.done
}

func (l *listener) advance(n int) {
	t := l.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	l.at += n
	t.sent = max(t.sent, l.at)
	t.change()
}
