package relay

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// admit authenticates the caller, reads the body within its limit, and reads the few facts that the next steps need.
func (c *call) admit() error {
	limitBody(c.w, c.start)
	if err := c.journal.Ready(); err != nil {
		return err
	}
	p, err := c.keys.Authenticate(c.ctx(), c.req.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	c.principal = p
	if !p.Scope.Has(c.op.Scope) {
		return identity.ErrScope
	}
	if !p.AllowsAddress(c.caller) {
		return identity.ErrAddress
	}
	if err := checkContent(c.req.Header); err != nil {
		return err
	}
	if c.body, err = readBody(c.w, c.req, c.limits.MaxBody); err != nil {
		return err
	}
	c.ask, err = c.op.Format.Peek(c.body)
	return err
}

// errEncoding refuses compressed requests: what was checked must be what is sent, and a small body must stay small.
var errEncoding = fault.New(http.StatusUnsupportedMediaType, "unsupported_encoding", "The request body must not be compressed.")

func checkContent(h http.Header) error {
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return errEncoding
	}
	ct := h.Get("Content-Type")
	if ct == "application/json" || ct == "" {
		return nil
	}
	if media, _, err := mime.ParseMediaType(ct); err != nil || media != "application/json" {
		return fault.ErrMediaType.Saying("The request body must be JSON: send Content-Type: application/json.")
	}
	return nil
}

// readBody reads the whole body, in one allocation when its length is known.
func readBody(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, error) {
	if req.ContentLength > limit {
		return nil, fault.ErrTooLarge
	}
	r := http.MaxBytesReader(w, req.Body, limit)
	var body []byte
	var err error
	if req.ContentLength > 0 {
		body = make([]byte, req.ContentLength)
		_, err = io.ReadFull(r, body)
	} else {
		body, err = io.ReadAll(r)
	}
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the server reads on to notice when the caller leaves
		return body, nil
	}
	w.Header().Set("Connection", "close") // or the server waits for the rest of the body before it answers
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.ErrTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errBodySlow
	}
	return nil, errBodyCut.Because(err)
}

// limitBody keeps a caller who sends its body drop by drop, or not at all, from holding a place for ever. The deadline is
// taken back when the body is there. If it is refused unread, the deadline stays: the server reads what is left of it.
func limitBody(w http.ResponseWriter, now time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(now.Add(slowestBody))
}

// slowestBody is how long a request's body may take to arrive.
const slowestBody = time.Minute

var errBodySlow = fault.New(http.StatusRequestTimeout, "request_timeout", "The request body did not arrive in time.")

var errBodyCut = fault.New(http.StatusBadRequest, "malformed_request", "The request body ended early or could not be read.")
