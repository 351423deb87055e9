package app

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// slowestBody is how long the body of a request to the control plane may take to arrive. The relay limits its own.
const slowestBody = time.Minute

// timely mounts routes behind bodyInTime.
func (a *App) timely(routes func(chi.Router)) func(chi.Router) {
	return func(r chi.Router) {
		r.Group(func(r chi.Router) {
			r.Use(bodyInTime(a.now))
			routes(r)
		})
	}
}

// bodyInTime gives a request's body a deadline, so that a caller who never sends it holds no place for ever: neither while a
// handler reads it, nor while the server, before it answers, reads what a handler has left. It ends with the body, since the
// server reads on to notice when the caller leaves.
func bodyInTime(now clock.Clock) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.ContentLength != 0 {
				conn := http.NewResponseController(w)
				_ = conn.SetReadDeadline(now().Add(slowestBody))
				timed := *req
				timed.Body = timedBody{req.Body, conn}
				req = &timed
			}
			next.ServeHTTP(w, req)
		})
	}
}

// timedBody takes the deadline back when it has been read.
type timedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

// Read reads the body.
func (b timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
