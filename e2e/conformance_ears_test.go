package e2e

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// ears stand between Gantry and a fake: they note what it is told and what it says, and make it slow where the conversation is
// about leaving.
type ears struct {
	http.Handler

	atOnce int
	mu     sync.Mutex
	byMark map[string][]*exchange
}

// markForm is how marks of conversations look.
var markForm = regexp.MustCompile(`\(mark \d{6}\)`)

// exchange is one call of an upstream.
type exchange struct {
	told string
	done chan struct{} // closed when the call is over
	// What follows may be read when it is.
	said bytes.Buffer
	left bool // the caller did not wait for all of it
}

// of are the calls of a conversation, in order.
func (e *ears) of(mark string) []*exchange {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.byMark[mark]
}

// note takes down a call. Those without a mark belong to no conversation.
func (e *ears) note(x *exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byMark == nil {
		e.byMark = map[string][]*exchange{}
	}
	mark := markForm.FindString(x.told)
	e.byMark[mark] = append(e.byMark[mark], x)
}

// ServeHTTP implements http.Handler.
func (e *ears) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	x := &exchange{told: string(body), done: make(chan struct{})}
	defer close(x.done)
	e.note(x)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var heard http.ResponseWriter = &tape{w, x}
	if bytes.Contains(body, []byte("Count slowly")) {
		heard = &slowly{ResponseWriter: heard, request: r, atOnce: e.atOnce}
	}
	e.Handler.ServeHTTP(heard, r)
	x.left = r.Context().Err() != nil
}

// tape notes what an upstream says.
type tape struct {
	http.ResponseWriter

	of *exchange
}

// Write implements io.Writer.
func (t *tape) Write(p []byte) (int, error) {
	t.of.said.Write(p)
	return t.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush.
func (t *tape) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// slowly sends the first pieces of an answer at once and the rest when nobody waits for it any more.
type slowly struct {
	http.ResponseWriter

	request *http.Request
	atOnce  int
	pieces  int
}

// usualPieces are so many that a few of the text are among them, in protocols whose streams begin with other things.
const usualPieces = 7

// longest is how long an upstream waits for a caller to leave.
const longest = 10 * time.Second

// Write implements io.Writer.
func (s *slowly) Write(p []byte) (int, error) {
	kind := s.Header().Get("Content-Type")
	whole := !strings.Contains(kind, "stream") && !strings.Contains(kind, "ndjson")
	if whole || s.pieces >= s.atOnce {
		select {
		case <-s.request.Context().Done():
		case <-time.After(longest):
		}
	}
	return s.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (s *slowly) Flush() {
	s.pieces++
	_ = http.NewResponseController(s.ResponseWriter).Flush()
}
