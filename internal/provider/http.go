package provider

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what an upstream can ask for, so that no sum of it overflows.
const maxWait = 365 * 24 * time.Hour

// RetryAfter reads how long a response asks to be left alone: retry-after-ms, else Retry-After in seconds or as a date,
// which is compared with the response's own date. 0 when it does not say or cannot be read.
func RetryAfter(h http.Header) time.Duration {
	if ms, ok := number(h.Get("Retry-After-Ms")); ok {
		return wait(ms, time.Millisecond)
	}
	text := h.Get("Retry-After")
	if s, ok := number(text); ok {
		return wait(s, time.Second)
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), maxWait)
}

func number(text string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n, err == nil && n >= 0 // not NaN
}

func wait(n float64, unit time.Duration) time.Duration {
	if n >= float64(maxWait/unit) {
		return maxWait
	}
	return time.Duration(n * float64(unit))
}

// Waiter is an ability of an answer's body: it tells its reader before it waits, so that what was read need not be passed on
// as long as more is at hand.
type Waiter interface {
	// OnWait has tell called before a Read waits. An error of tell ends the Read. It reports false where waiting cannot be
	// told from reading; then tell is never called.
	OnWait(tell func() error) bool
}

// SendError is what Send returns when a round trip failed. If the context ended the call, the error wraps the context's
// error and its cause; any other error means that the upstream was not reached or the connection broke before it answered,
// and it names hosts, so it is for the log only.
func SendError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("provider: %w (%w)", ended, context.Cause(ctx))
	}
	return fmt.Errorf("provider: not reached: %w", err)
}

// ValidHeader reports whether a name and a value can be sent as a header.
func ValidHeader(name, value string) bool {
	if name == "" || strings.TrimSpace(value) != value {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
