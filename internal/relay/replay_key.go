package relay

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Headers of repeated calls, as http.Header has them.
const (
	keyHeader      = "Idempotency-Key"
	otherKeyHeader = "X-Idempotency-Key"
	resumeHeader   = "Last-Event-Id"
	replayedHeader = "Idempotent-Replayed"
)

const maxKey = 255

var (
	errKey     = fault.ErrInvalid.Saying("An idempotency key has 1 to 255 visible ASCII characters.")
	errEventID = fault.New(http.StatusBadRequest, "invalid_event_id", "Last-Event-ID is not the id of an event of this stream.").
			At("Last-Event-ID")
)

// isKeyed reports whether a request comes with an idempotency key, valid or not.
func isKeyed(h http.Header) bool {
	if _, ok := h[keyHeader]; ok {
		return true
	}
	_, ok := h[otherKeyHeader]
	return ok
}

// idempotencyKey reads the key. Code: invalid_parameter.
func idempotencyKey(h http.Header) (string, error) {
	name, values := keyHeader, h[keyHeader]
	if others := h[otherKeyHeader]; len(values) == 0 {
		name, values = otherKeyHeader, others
	} else if len(others) > 0 && others[0] != values[0] {
		return "", errKey.Saying("The request has two different idempotency keys.").At(otherKeyHeader)
	}
	if len(values) != 1 || !validKey(values[0]) {
		return "", errKey.At(name)
	}
	return values[0], nil
}

func validKey(s string) bool {
	visible := func(r rune) bool { return r > ' ' && r < 0x7f }
	return s != "" && len(s) <= maxKey && !strings.ContainsFunc(s, func(r rune) bool { return !visible(r) })
}

// lastEventID reads the id after which a stream is to be resumed; "" when there is none. Code: invalid_event_id.
func lastEventID(h http.Header) (string, error) {
	values := h[resumeHeader]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1 || values[0] == "":
		return "", errEventID
	}
	_, _, err := parseEventID(values[0])
	return values[0], err
}

// eventID appends the id of a task's n-th event, counted from 1.
func eventID(dst []byte, task id.ID, n int) []byte {
	dst, _ = task.AppendText(dst)
	return strconv.AppendInt(append(dst, '-'), int64(n), 10)
}

// parseEventID is the inverse of eventID. Code: invalid_event_id.
func parseEventID(s string) (id.ID, int, error) {
	at := strings.LastIndexByte(s, '-')
	if at < 0 {
		return id.ID{}, 0, errEventID
	}
	task, err := id.Parse(s[:at])
	n, numberErr := strconv.ParseUint(s[at+1:], 10, 31)
	if err != nil || numberErr != nil || n == 0 || string(eventID(nil, task, int(n))) != strings.ToLower(s) {
		return id.ID{}, 0, errEventID
	}
	return task, int(n), nil
}
