package relay

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// maxTape bounds a stream that is kept, as maxAnswer bounds what is not streamed.
const maxTape = maxAnswer

var (
	errVoid     = errors.New("relay: the tape holds no answer")
	errTapeFull = errors.New("relay: the answer is too large to be kept for repeats")
)

// tape takes up the answer of a call with an idempotency key, and listeners follow it. To the steps of the call it is the
// caller's connection: an http.ResponseWriter that can be flushed.
type tape struct {
	book   *replays
	claim  tasks.Digest
	flush  bool               // the answer may be on its way to the store
	cancel context.CancelFunc // ends the call that writes the tape
	over   <-chan struct{}    // closed when the call was ended
	size   int64              // what it takes of the book's memory; under the book's lock
	full   bool               // the answer was cut because it found no room; for the call's goroutine alone

	mu          sync.Mutex
	changed     chan struct{} // closed and taken away at a change; nil when nobody waits
	known       bool          // whose answer it is: fingerprint and taskID are set
	fingerprint tasks.Digest
	taskID      id.ID
	header      http.Header
	status      int // 0: the answer has not begun
	stream      bool
	stored      bool // the answer is an earlier call's, from the store
	numbers     numbering
	bytes       []byte
	ends        []int // of the events
	sent        int   // bytes that some listener was sent
	done        bool
	err         error // why there is no answer, when done and not begun
	evicted     bool  // the bytes are in the store alone, or on their way to it
	listeners   []*listener
	lingering   *time.Timer
	recorded    *journal.Ticket // of the record that keeps the answer; for the call's goroutine alone
	expires     time.Time
}

// Header implements http.ResponseWriter, for the call's goroutine until WriteHeader.
func (t *tape) Header() http.Header { return t.header }

// WriteHeader implements http.ResponseWriter.
func (t *tape) WriteHeader(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status == 0 {
		t.begin(status)
	}
}

func (t *tape) begin(status int) {
	t.status = status
	t.stream = strings.HasPrefix(t.header.Get("Content-Type"), "text/event-stream")
	t.numbers.task = t.taskID
	t.change()
}

// Write implements http.ResponseWriter. Error: errTapeFull, of a stream.
func (t *tape) Write(b []byte) (int, error) {
	size := int64(len(b))
	if t.stream { // set by this goroutine
		size += idRoom * int64(1+bytes.Count(b, lineFeed)/2) // events that came together come at once; each has two lines
	}
	if err := t.book.take(t, size, !t.stream); err != nil {
		t.full = true
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.append(b)
	return len(b), nil
}

// idRoom is about what an event's id adds to it.
const idRoom = 48

var lineFeed = []byte("\n")

func (t *tape) append(b []byte) {
	if t.stream {
		t.bytes, t.ends = t.numbers.append(t.bytes, t.ends, b)
	} else {
		t.bytes = append(t.bytes, b...)
	}
	t.change()
}

// FlushError implements http.ResponseController: it waits until a listener was sent everything, so that an upstream is no
// faster than those who listen. Without listeners it does not wait. Error: the call's end.
func (t *tape) FlushError() error {
	for {
		wait := t.unheard()
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-t.over:
			return context.Canceled
		}
	}
}

// unheard returns what to wait for until a listener was sent everything; nil when one was, or there is none.
func (t *tape) unheard() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent == len(t.bytes) || len(t.listeners) == 0 {
		return nil
	}
	return t.next()
}

// heard reports whether a listener was sent everything: what nobody was sent is not marked as delivered, so that a crash
// does not charge it.
func (t *tape) heard() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent == len(t.bytes)
}

// SetWriteDeadline implements http.ResponseController: listeners have deadlines of their own.
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

// sealed is the whole answer once rest is written, too; it may not have begun.
func (t *tape) sealed(stream bool, rest []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !stream {
		return rest
	}
	n := t.numbers
	n.task = t.taskID
	whole, _ := n.append(slices.Clone(t.bytes), nil, rest)
	return whole
}

// next returns a channel that is closed at the next change.
func (t *tape) next() <-chan struct{} {
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.changed
}

func (t *tape) change() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// know says whose answer the tape is.
func (t *tape) know(fingerprint tasks.Digest, task id.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known, t.fingerprint, t.taskID = true, fingerprint, task
	t.change()
}

// refuse says why there will be no answer. Listeners hear of it at the end, when the tape is out of the book: who comes
// back must not find it again.
func (t *tape) refuse(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

// load puts a stored answer on the tape.
func (t *tape) load(v *tasks.Replay) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header.Set("Content-Type", v.ContentType)
	t.stored = true
	t.begin(v.Status)
	t.bytes, t.expires = v.Body, v.ExpiresAt
	if t.stream {
		streamHeader(t.header)
		t.ends = eventEnds(v.Body)
	} else {
		t.header.Set("Content-Length", itoa(len(v.Body)))
	}
	t.done = true
	t.change()
}

// close writes the last words of a call that was ended because nobody listened; there is room for them.
func (t *tape) close(rest []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status != 0 {
		t.append(rest)
	}
}

// end says that the answer is complete.
func (t *tape) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
	if t.status == 0 && t.err == nil {
		t.err = errVoid
	}
	if t.lingering != nil {
		t.lingering.Stop()
		t.lingering = nil
	}
	t.change()
}

func (t *tape) expireAt(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = at
}

// useless reports whether a repeat finds no answer here.
func (t *tape) useless(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.evicted || t.done && !t.expires.IsZero() && !t.expires.After(now)
}

// evict forgets the bytes, unless somebody follows them; it reports whether it did.
func (t *tape) evict() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.listeners) > 0 || !t.done {
		return false
	}
	t.bytes, t.ends, t.evicted = nil, nil, true
	return true
}

// forget makes the tape useless to repeats, while its listeners go on.
func (t *tape) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evicted = true
}
