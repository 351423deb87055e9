package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/sse"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// rival is one attempt that may have another beside it. Its goroutine sends the call and reads until there is something to
// deliver, or a failure; what was read is read once more by whoever delivers it.
type rival struct {
	no      int
	attempt int // its place in the call's attempts
	target  *Target
	footing footing
	room    limits.Admission // at its target, where that is apart from the caller's
	d       *deadline
	over    bool // it was concluded or dropped

	call     *provider.Call
	crossing *translate.Crossing // nil: the target speaks the caller's protocol
	format   wire.Format
	meter    wire.Meter // nil: the answer is no stream
	log      *slog.Logger

	state atomic.Int32 // who ends first: the goroutine, or who drops it
	// What the goroutine leaves. Nobody looks at it before.
	resp  *http.Response
	err   error
	ready bool
	sign  wire.Sign // why a stream is not ready; Goes: err says it
	usage *inference.Usage
}

// The states of a rival.
const (
	rivalRuns int32 = iota
	rivalDone
	rivalDropped
)

var errPanic = errors.New("relay: an attempt panicked")

// run makes the attempt and tells its number, unless it was dropped meanwhile: then nobody else closes what it has.
func (r *rival) run(ctx context.Context, news chan<- int) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("attempt failed", "platform", r.target.Platform.Name, "error", fmt.Sprint(p))
			r.close()
			r.resp, r.ready, r.err = nil, false, errPanic
		}
		if !r.state.CompareAndSwap(rivalRuns, rivalDone) {
			r.close()
			return
		}
		news <- r.no
	}()
	if r.resp, r.err = r.target.Upstream.Send(ctx, r.call); r.err != nil {
		return
	}
	translated(r.crossing, r.resp, r.meter != nil)
	switch {
	case r.resp.StatusCode != http.StatusOK:
		r.keep(io.ReadAll(io.LimitReader(r.resp.Body, maxErrorBody)))
	case r.meter != nil:
		r.listen()
	default:
		r.readWhole()
	}
}

// stop cancels the attempt. It reports whether it had ended before, so that what it left may be looked at.
func (r *rival) stop() (ended bool) {
	r.d.stop()
	if r.state.CompareAndSwap(rivalRuns, rivalDropped) {
		return false
	}
	r.close()
	return true
}

func (r *rival) close() {
	if r.resp != nil {
		_ = r.resp.Body.Close()
	}
}

// silent reports whether a stream ended before there was anything to deliver.
func (r *rival) silent() bool {
	return r.meter != nil && !r.ready && r.resp != nil && r.resp.StatusCode == http.StatusOK
}

// keep has a body read once more: what was read, and then how reading ended.
func (r *rival) keep(read []byte, err error) {
	if err == nil {
		err = io.EOF
	}
	r.resp.Body = &reread{Reader: io.MultiReader(bytes.NewReader(read), failing{err}), Closer: r.resp.Body}
}

// readWhole reads an answer that is delivered at once.
func (r *rival) readWhole() {
	body, err := readAnswer(r.resp)
	r.keep(body, err)
	if err != nil {
		return
	}
	m, valid := answerOf(r.format, &r.footing.ask, body)
	r.ready = valid && len(body) <= maxAnswer
	if r.ready && m.Known {
		r.usage = &m.Usage
	}
}

// listen reads a stream up to its first event that is delivered.
func (r *rival) listen() {
	var read bytes.Buffer
	body := r.resp.Body
	events := sse.NewReader(io.TeeReader(body, &read), maxEvent)
	r.ready, r.sign, r.err = r.first(events)
	if r.ready {
		r.d.pause() // from here it is not the upstream that is waited for
	}
	events.Release()
	releaseMeter(r.meter)
	r.resp.Body = &reread{Reader: io.MultiReader(&read, body), Closer: body, rest: body}
}

// first returns once there is something to deliver, or why there is nothing.
func (r *rival) first(events *sse.Reader) (ready bool, why wire.Sign, err error) {
	for {
		event, err := events.Next()
		if err == nil && event.Unterminated && !whole(&event) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return false, wire.Goes, err
		}
		deliver, sign := r.meter.Event(event.Raw, event.Data)
		switch sign {
		case wire.Broken, wire.Garbled:
			return false, sign, nil
		case wire.Ended, wire.Finished:
			return true, wire.Goes, nil
		case wire.Goes:
		}
		if len(deliver) > 0 {
			return true, wire.Goes, nil
		}
	}
}

// reread is a body whose beginning was read before.
type reread struct {
	io.Reader
	io.Closer

	rest io.Reader // nil: there is none
}

// OnWait implements provider.Waiter: reading what was read before never waits.
func (b *reread) OnWait(tell func() error) bool {
	w, ok := b.rest.(provider.Waiter)
	return ok && w.OnWait(tell)
}

// failing is where a body ended, and how.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
