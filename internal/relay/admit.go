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
	"github.com/gantry-ai/gantry/internal/wire"
)

// admit authenticates the caller, reads the body within its limit, and reads the few facts that the next steps need.
func (c *call) admit() error {
	if err := c.check(); err != nil {
		limitBody(c.w, c.start)
		return err
	}
	var err error
	if c.body, err = readBody(c.w, c.req, c.maxBody()); err != nil {
		limitBody(c.w, c.start)
		return err
	}
	if c.boundary != "" {
		if c.body, err = c.op.Format.(wire.Former).FromForm(c.body, c.boundary); err != nil { //nolint:forcetypeassert // see checkContent
			return err
		}
	}
	if c.ask, err = c.op.Format.Peek(c.body); err != nil {
		return err
	}
	if err = c.checkAside(); err != nil {
		return err
	}
	return c.openStored()
}

// check checks what can be checked before the body is read.
func (c *call) check() error {
	if err := c.journal.Ready(); err != nil {
		return err
	}
	if len(c.req.Header["Authorization"]) > 1 {
		// Of several, which was checked elsewhere is anybody's guess, and so is where such a request ends: nobody waits for
		// the rest of it.
		c.w.Header().Set("Connection", "close")
		return identity.ErrCredentials
	}
	if c.principal == nil {
		var err error
		if c.principal, err = c.keys.Authenticate(c.ctx(), c.req.Header.Get("Authorization")); err != nil {
			return err
		}
	}
	p := c.principal
	if !p.Scope.Has(c.op.Scope) {
		return identity.ErrScope
	}
	if !p.AllowsAddress(c.caller) {
		return identity.ErrAddress
	}
	return c.checkContent(c.req.Header)
}

// errEncoding refuses compressed requests: what was checked must be what is sent, and a small body must stay small.
var errEncoding = fault.New(http.StatusUnsupportedMediaType, "unsupported_encoding", "The request body must not be compressed.")

func (c *call) checkContent(h http.Header) error {
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return errEncoding
	}
	ct := h.Get("Content-Type")
	if ct == "application/json" || ct == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(ct)
	if _, forms := c.op.Format.(wire.Former); forms && media == "multipart/form-data" {
		return c.checkForm(params["boundary"])
	}
	if err != nil || media != "application/json" {
		return fault.ErrMediaType.Saying("The request body must be JSON: send Content-Type: application/json.")
	}
	return nil
}

// readBody reads the whole body, in one allocation when its length is known. Nearly always it is here at once, so what ends
// a caller who sends it drop by drop is a timer: deadlines of connections cost ten times as much.
func readBody(w http.ResponseWriter, req *http.Request, limit int64) ([]byte, error) {
	if req.ContentLength > limit {
		return nil, fault.ErrTooLarge
	}
	if b, ok := req.Body.(Whole); ok && b.Whole() {
		return readSized(req.Body, req.ContentLength)
	}
	late := time.AfterFunc(slowestBody, func() { limitBody(w, past) })
	r := http.MaxBytesReader(w, req.Body, limit)
	var body []byte
	var err error
	if req.ContentLength > 0 {
		body, err = readSized(r, req.ContentLength)
	} else {
		body, err = io.ReadAll(r)
	}
	inTime := late.Stop()
	if err == nil && inTime {
		return body, nil
	}
	w.Header().Set("Connection", "close") // or the server waits for the rest of the body before it answers
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.ErrTooLarge
	}
	if !inTime || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errBodySlow
	}
	return nil, errBodyCut.Because(err)
}

// readSized reads a body of a known length. Who only says that a large one comes gets no memory for it before it does.
func readSized(r io.Reader, size int64) ([]byte, error) {
	const atOnce = 8 << 20
	body := make([]byte, min(size, atOnce))
	for read := 0; ; {
		n, err := io.ReadFull(r, body[read:])
		read += n
		if err != nil || int64(read) == size {
			return body[:read], err
		}
		more := make([]byte, min(size, 2*int64(read)))
		copy(more, body)
		body = more
	}
}

// past is so early that a minute after it is over, too.
var past = time.Unix(0, 0)

// limitBody keeps a caller whose request is refused unread from holding a place for ever: the server reads what is left of
// its body before it goes on.
func limitBody(w http.ResponseWriter, now time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(now.Add(slowestBody))
}

// slowestBody is how long a request's body may take to arrive.
const slowestBody = time.Minute

var errBodySlow = fault.New(http.StatusRequestTimeout, "request_timeout", "The request body did not arrive in time.")

var errBodyCut = fault.New(http.StatusBadRequest, "malformed_request", "The request body ended early or could not be read.")
