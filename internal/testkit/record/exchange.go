package record

import (
	"net/http"
	"time"
)

// Exchange is one request on its way to an answer; it notes the status, and whether the caller left.
type Exchange struct {
	http.ResponseWriter

	R   *http.Request
	Rec *Request

	update func(func())
	begun  bool
}

// NewExchange begins the answer to a request that is in the log.
func (l *Log[S]) NewExchange(w http.ResponseWriter, r *http.Request, rec *Request) Exchange {
	return Exchange{ResponseWriter: w, R: r, Rec: rec, update: l.Update}
}

// WriteHeader notes the status.
func (e *Exchange) WriteHeader(status int) {
	e.begun = true
	e.update(func() { e.Rec.Status = status })
	e.ResponseWriter.WriteHeader(status)
}

// Write sends the status 200 first where none was sent.
func (e *Exchange) Write(b []byte) (int, error) {
	if !e.begun {
		e.WriteHeader(http.StatusOK)
	}
	return e.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (e *Exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// Flush sends what was written.
func (e *Exchange) Flush() { _ = http.NewResponseController(e.ResponseWriter).Flush() }

// Close ends the answer.
func (e *Exchange) Close() {
	if e.R.Context().Err() != nil {
		e.update(func() { e.Rec.Canceled = true })
	}
}

// Abort breaks the connection after what was written.
func (e *Exchange) Abort() {
	e.Flush()
	panic(http.ErrAbortHandler)
}

// Hang waits until the caller leaves.
func (e *Exchange) Hang() { <-e.R.Context().Done() }

// Pause lets milliseconds pass, 3000 for 0; false when the caller left.
func (e *Exchange) Pause(ms int) bool {
	pause := 3 * time.Second
	if ms > 0 {
		pause = time.Duration(ms) * time.Millisecond
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.R.Context().Done():
		return false
	}
}
