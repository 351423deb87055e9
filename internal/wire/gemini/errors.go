package gemini

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// statuses are Google's words for HTTP's numbers.
var statuses = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "RESOURCE_EXHAUSTED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
	405: "UNIMPLEMENTED", 408: "DEADLINE_EXCEEDED", 409: "ABORTED", 412: "FAILED_PRECONDITION", 413: "INVALID_ARGUMENT",
	415: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED",
	502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}

// StatusText is Google's word for an HTTP status.
func StatusText(status int) string {
	if s, ok := statuses[status]; ok {
		return s
	}
	if status >= 500 {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// ErrorBody writes a fault in Google's envelope. Its code is the reason of an ErrorInfo, its path a field violation, and its
// wait a RetryInfo.
func ErrorBody(f *fault.Error) []byte {
	b := strconv.AppendInt([]byte(`{"error":{"code":`), int64(f.Status), 10)
	b = jsondoc.AppendString(append(b, `,"message":`...), f.Message)
	b = jsondoc.AppendString(append(b, `,"status":`...), StatusText(f.Status))
	b = append(b, `,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":`...)
	b = append(jsondoc.AppendString(b, strings.ToUpper(f.Code)), `,"domain":"gantry"}`...)
	if f.Path != "" {
		b = append(b, `,{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":`...)
		b = jsondoc.AppendString(b, f.Path)
		b = jsondoc.AppendString(append(b, `,"description":`...), f.Message)
		b = append(b, `}]}`...)
	}
	if f.RetryAfter > 0 {
		b = append(b, `,{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"`...)
		b = strconv.AppendInt(b, int64((f.RetryAfter+time.Second-1)/time.Second), 10)
		b = append(b, `s"}`...)
	}
	return append(b, `]}}`...)
}

// Failure is what an upstream says went wrong.
type Failure struct {
	Code    int64
	Status  string
	Message string
	// Reason is an ErrorInfo's, such as API_KEY_INVALID; QuotaID names the first quota that was exceeded.
	Reason, QuotaID string
	RetryDelay      time.Duration
}

// ParseError reads an error as Google writes it: the envelope, or an array that begins with one. What cannot be read gives
// the zero Failure.
func ParseError(body []byte) Failure {
	var envelope struct {
		Error struct {
			Code    json.Number       `json:"code"`
			Message string            `json:"message"`
			Status  string            `json:"status"`
			Details []json.RawMessage `json:"details"`
		} `json:"error"`
	}
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil || len(list) == 0 {
			return Failure{}
		}
		body = list[0]
	}
	if json.Unmarshal(body, &envelope) != nil {
		return Failure{}
	}
	e := &envelope.Error
	f := Failure{Status: e.Status, Message: strings.ToValidUTF8(e.Message, "\uFFFD")}
	f.Code, _ = e.Code.Int64()
	for _, raw := range e.Details {
		f.detail(raw)
	}
	return f
}

func (f *Failure) detail(raw []byte) {
	var d struct {
		Type       string `json:"@type"`
		Reason     string `json:"reason"`
		RetryDelay string `json:"retryDelay"`
		Violations []struct {
			QuotaID string `json:"quotaId"`
		} `json:"violations"`
	}
	if json.Unmarshal(raw, &d) != nil {
		return
	}
	switch d.Type[strings.LastIndexByte(d.Type, '.')+1:] {
	case "ErrorInfo":
		f.Reason = d.Reason
	case "RetryInfo":
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil && wait > 0 {
			f.RetryDelay = wait
		}
	case "QuotaFailure":
		for _, v := range d.Violations {
			if f.QuotaID == "" || strings.Contains(v.QuotaID, "PerDay") {
				f.QuotaID = v.QuotaID
			}
		}
	}
}
