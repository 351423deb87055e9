// Package fault holds the one error type of the core.
//
// A fault carries a stable code and a message that may be shown to the caller. Its cause is for the log only: it never
// reaches an answer, because it may name hosts, statements or rows. Each surface renders faults in its own envelope,
// in its own errors.go. Statuses are HTTP's numbers, used here as a vocabulary and not as a protocol.
package fault

import (
	"errors"
	"maps"
	"time"
)

// Error is what went wrong, in the caller's terms.
type Error struct {
	// Code is stable and in snake case, such as "insufficient_balance"; every surface shows it.
	Code string
	// Status is the HTTP status that fits best.
	Status int
	// Message is safe to show.
	Message string
	// Path names the field at fault, as in "rules[0].basePrice"; empty when no single field is.
	Path string
	// RetryAfter is the wait after which another try may succeed; zero when unknown.
	RetryAfter time.Duration
	// Details are further facts that are safe to show.
	Details map[string]any
	// Cause is what the code below said; for the log only.
	Cause error
}

// New returns a fault. Packages keep theirs as variables and compare them with errors.Is, which looks at the code.
func New(status int, code, message string) *Error {
	return &Error{Code: code, Status: status, Message: message}
}

// Error returns the code, the message and the cause, for the log.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Path != "" {
		s += " (at " + e.Path + ")"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is a fault with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// At returns a copy that names the field at fault.
func (e *Error) At(path string) *Error { c := *e; c.Path = path; return &c }

// Because returns a copy with the cause.
func (e *Error) Because(cause error) *Error { c := *e; c.Cause = cause; return &c }

// Saying returns a copy with another message, under the same code.
func (e *Error) Saying(message string) *Error { c := *e; c.Message = message; return &c }

// After returns a copy that tells how long to wait.
func (e *Error) After(d time.Duration) *Error { c := *e; c.RetryAfter = d; return &c }

// With returns a copy with one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = maps.Clone(e.Details)
	if c.Details == nil {
		c.Details = map[string]any{}
	}
	c.Details[key] = value
	return &c
}

// Faults that any package may return.
var (
	ErrInternal   = New(500, "internal", "An internal error occurred.")
	ErrInvalid    = New(400, "invalid_parameter", "A parameter of the request is not valid.")
	ErrNotFound   = New(404, "not_found", "There is no such object.")
	ErrConflict   = New(409, "conflict", "The object was changed or exists already.")
	ErrForbidden  = New(403, "forbidden", "You may not do this.")
	ErrUnauthed   = New(401, "unauthorized", "Valid credentials are required.")
	ErrUnavail    = New(503, "unavailable", "The service cannot answer now.")
	ErrTooLarge   = New(413, "body_too_large", "The request body is too large.")
	ErrBadJSON    = New(400, "invalid_json", "The request body is not valid JSON.")
	ErrMediaType  = New(415, "unsupported_media_type", "The content type is not supported.")
	ErrBadMethod  = New(405, "method_not_allowed", "The method is not allowed here.")
	ErrClientGone = New(499, "client_closed_request", "The caller left.")
)

// From returns err as a fault. An error of another kind becomes ErrInternal with err as its cause; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return ErrInternal.Because(err)
}
