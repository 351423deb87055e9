package compat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	// maxWhole bounds what is read of an answer to look for an error; a longer one holds none.
	maxWhole = 64 << 20
	// maxFirst bounds what is read of a stream's first event.
	maxFirst = 8 << 10
)

// looked looks for an error in an answer of status 200: in all of a whole one, in the first event of a stream.
func (u *upstream) looked(ctx context.Context, resp *http.Response) (*http.Response, error) {
	read, content := readWhole, func(b []byte) []byte { return b }
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		read, content = readFirst, data
	}
	begun, err := read(resp.Body)
	if err != nil && !errors.Is(err, io.EOF) && len(begun) == 0 {
		_ = resp.Body.Close()
		return nil, provider.SendError(ctx, err)
	}
	if e, ok := u.within.find(content(begun)); ok {
		resp.StatusCode = u.statusOf(e)
		resp.Status = http.StatusText(resp.StatusCode)
		begun = content(begun)
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body = &resumed{begun: begun, err: err, rest: resp.Body}
	return resp, nil
}

func readWhole(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWhole))
	if err == nil && len(b) < maxWhole {
		err = io.EOF
	}
	return b, err
}

// readFirst reads until an event is complete, and what came with it.
func readFirst(r io.Reader) ([]byte, error) {
	b := make([]byte, 0, maxFirst)
	for len(b) < maxFirst {
		n, err := r.Read(b[len(b):maxFirst])
		b = b[:len(b)+n]
		if err != nil || hasEvent(b) {
			return b, err
		}
	}
	return b, nil
}

// hasEvent reports whether b holds an event with data; comments before it are no event.
func hasEvent(b []byte) bool {
	at := bytes.Index(b, []byte("data:"))
	return at >= 0 && (bytes.Contains(b[at:], []byte("\n\n")) || bytes.Contains(b[at:], []byte("\r\n\r\n")))
}

// data is the data of the first event of a stream.
func data(b []byte) []byte {
	_, b, _ = bytes.Cut(b, []byte("data:"))
	b, _, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSpace(b)
}

// resumed is a body of which the beginning has been read. err is how reading ended, if it did.
type resumed struct {
	begun []byte
	err   error
	rest  io.ReadCloser
}

// Read gives the beginning and then the rest.
func (r *resumed) Read(p []byte) (int, error) {
	if len(r.begun) > 0 {
		n := copy(p, r.begun)
		r.begun = r.begun[n:]
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.rest.Read(p)
}

// Close closes the rest.
func (r *resumed) Close() error { return r.rest.Close() }

// OnWait is the rest's; see provider.Waiter.
func (r *resumed) OnWait(tell func() error) bool {
	w, ok := r.rest.(provider.Waiter)
	return ok && r.err == nil && w.OnWait(tell)
}

var _ provider.Waiter = (*resumed)(nil)
