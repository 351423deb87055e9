package anthropic

import (
	"encoding/json"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// statusOverloaded is what the protocol answers where others answer 503.
const statusOverloaded = 529

// Status returns the status with which the protocol answers a fault: the fault's own, but for those that have another name
// here. Source: the provider sheet, section 5.
func Status(f *fault.Error) int {
	switch f.Status {
	case 503:
		return statusOverloaded
	case 502:
		return 500
	}
	return f.Status
}

var errorTypes = map[int]string{
	401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error", 408: "timeout_error",
	413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error", statusOverloaded: "overloaded_error",
}

// ErrorType returns the type of error that goes with an HTTP status.
func ErrorType(status int) string {
	if typ, ok := errorTypes[status]; ok {
		return typ
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

// ErrorBody returns the error envelope. The field at fault stands before the message, as clients of the protocol know it.
func ErrorBody(f *fault.Error) []byte {
	message := wording(f)
	b := append(make([]byte, 0, 64+len(message)), `{"type":"error","error":{"type":"`...)
	b = append(append(b, ErrorType(f.Status)...), `","message":`...)
	b = jsondoc.AppendString(b, message)
	return append(b, "}}"...)
}

// tooLong is what clients look for to tell that a conversation must be made shorter.
const tooLong = "prompt is too long"

func wording(f *fault.Error) string {
	switch {
	case f.Code == "context_length_exceeded" && !strings.Contains(f.Message, tooLong):
		return tooLong + ": " + f.Message
	case f.Path != "" && !strings.Contains(f.Message, f.Path):
		return f.Path + ": " + f.Message
	}
	return f.Message
}

// ErrorFrame returns the error as an event: after the first byte a stream can fail in no other way.
func ErrorFrame(f *fault.Error) []byte {
	b := append([]byte("event: error\ndata: "), ErrorBody(f)...)
	return append(b, "\n\n"...)
}

// ParseError reads an error as the provider writes it. What cannot be read, such as an HTML page, gives empty texts: it is not
// repeated to anyone.
func ParseError(body []byte) (typ, message string) {
	var outer struct {
		Error struct {
			Type    any `json:"type"`
			Message any `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	typ, _ = outer.Error.Type.(string)
	message, _ = outer.Error.Message.(string)
	return typ, message
}
