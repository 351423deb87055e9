package compat

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
)

// within is where a vendor that answers with status 200 puts its errors: an object that lies under names, one in the other,
// and in it a code and a message.
type within struct {
	names         []string
	code, message string
}

// inner is an error that was found in an answer.
type inner struct{ code, message string }

// find looks for an error. There is none where the object is absent, its code is 0, or it says nothing.
func (w *within) find(body []byte) (inner, bool) {
	if w == nil || !bytes.Contains(body, []byte(`"`+w.names[0]+`"`)) {
		return inner{}, false
	}
	object := body
	for _, name := range w.names {
		object = member(object, name)
	}
	code := strings.Trim(string(member(object, w.code)), `"`)
	var message string
	_ = json.Unmarshal(member(object, w.message), &message) // one of another type is not shown
	if code == "null" {
		code = ""
	}
	return inner{code, message}, code != "0" && (code != "" || message != "")
}

// member returns the value of an object's member; nil when there is none.
func member(object json.RawMessage, name string) json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(object, &members) // what is no object has no members
	return members[name]
}

// statusOf is the status that an error should have had.
func (u *upstream) statusOf(e inner) int {
	if n, ok := asStatus(e.code); ok {
		return n
	}
	k, _ := u.category(0, e.code, "", e.message)
	if status := statuses[k]; status != 0 {
		return status
	}
	return http.StatusBadRequest
}

// asStatus reads a code that is a status.
func asStatus(code string) (int, bool) {
	var n int
	err := json.Unmarshal([]byte(code), &n)
	return n, err == nil && n >= http.StatusBadRequest && n < 600
}

var statuses = map[inference.Category]int{
	inference.Authentication: http.StatusUnauthorized, inference.QuotaExhausted: http.StatusPaymentRequired,
	inference.Permission: http.StatusForbidden, inference.NotFound: http.StatusNotFound,
	inference.RateLimited: http.StatusTooManyRequests, inference.Overloaded: http.StatusServiceUnavailable,
	inference.Timeout: http.StatusGatewayTimeout, inference.ServerError: http.StatusInternalServerError,
}
