package provider

import (
	"context"
	"net/http"

	"github.com/gantry-ai/gantry/internal/socket"
)

// SessionOpener is an ability: the upstream holds sessions, in which both sides send events when they like, of the kind
// inference.Realtime.
type SessionOpener interface {
	// OpenSession opens a session with the model of c, of whose body nothing is sent. The events are in the adapter's dialect;
	// the first is the upstream's. Closing the line ends the session at the upstream. Errors are *Error when the upstream
	// refused, or those of Send.
	OpenSession(ctx context.Context, c *Call) (socket.Line, error)
}

// MaxSessionMessage bounds one event of an upstream's session: sound comes in many.
const MaxSessionMessage = 16 << 20

// Refused is the error of a session whose handshake was answered with a refusal.
func Refused(u Upstream, r *http.Response, body []byte) error {
	return &Error{Outcome: u.Classify(r, body), Status: r.StatusCode}
}
