package openai

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// ErrorBody returns the OpenAI error envelope. An empty typ is derived from the HTTP status; empty code and param are null.
func ErrorBody(status int, typ, code, param, message string) []byte {
	if typ == "" {
		typ = ErrorType(status)
	}
	b := append(make([]byte, 0, 96+len(message)), `{"error":{"message":`...)
	b = jsondoc.AppendString(b, message)
	b = jsondoc.AppendString(append(b, `,"type":`...), typ)
	b = appendNullable(append(b, `,"param":`...), param)
	b = appendNullable(append(b, `,"code":`...), code)
	return append(b, "}}"...)
}

// ErrorFrame returns the error as an event of a chat stream: after the first byte a stream can fail in no other way.
func ErrorFrame(status int, typ, code, param, message string) []byte {
	return AppendFrame(nil, ErrorBody(status, typ, code, param, message))
}

// AppendFrame appends data, which must be one line, as an event.
func AppendFrame(dst, data []byte) []byte {
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// DoneFrame ends a chat stream.
const DoneFrame = "data: [DONE]\n\n"

// ErrorType returns the error type that goes with an HTTP status.
func ErrorType(status int) string {
	switch {
	case status == 403:
		return "permission_error"
	case status == 409:
		return "conflict_error"
	case status == 429:
		return "rate_limit_error"
	case status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}

func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return jsondoc.AppendString(dst, s)
}

// ParseError reads an error as OpenAI and those who imitate it write it: the envelope, an error that is only a text, an
// object without the envelope, or a bare JSON string. Codes that are numbers become their digits. What cannot be read, such
// as an HTML page, gives empty texts: it is not repeated to anyone.
func ParseError(body []byte) (code, typ, param, message string) {
	body = bytes.TrimSpace(body)
	var outer struct {
		flatError
		Error json.RawMessage `json:"error"`
	}
	if text, ok := jsonText(body); ok {
		return "", "", "", text
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", "", "", ""
	}
	if text, ok := jsonText(outer.Error); ok {
		return outer.Code.text(), outer.Type.text(), outer.Param.text(), text
	}
	inner := outer.flatError
	if len(outer.Error) > 0 && outer.Error[0] == '{' {
		inner = flatError{}
		_ = json.Unmarshal(outer.Error, &inner) // fields of a wrong type stay empty
	}
	message = inner.Message.text()
	for _, other := range []loose{inner.Msg, inner.Detail} {
		if message == "" {
			message = other.text()
		}
	}
	return inner.Code.text(), inner.Type.text(), inner.Param.text(), message
}

type flatError struct {
	Code    loose `json:"code"`
	Type    loose `json:"type"`
	Param   loose `json:"param"`
	Message loose `json:"message"`
	Msg     loose `json:"msg"`
	Detail  loose `json:"detail"`
}

// loose is a member that some write as a text and others as a number.
type loose struct{ json.RawMessage }

func (l loose) text() string {
	if s, ok := jsonText(l.RawMessage); ok {
		return s
	}
	if n, err := strconv.ParseInt(string(l.RawMessage), 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

func jsonText(raw []byte) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return strings.ToValidUTF8(s, "\uFFFD"), true
}

// Model is an entry of a model list.
type Model struct {
	ID      string
	Created int64 // seconds since 1970
	OwnedBy string
}

// ModelList returns the answer of GET /models, entries in the order given.
func ModelList(items []Model) []byte {
	b := append(make([]byte, 0, 32+96*len(items)), `{"object":"list","data":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = items[i].Append(b)
	}
	return append(b, "]}"...)
}

// Append appends the model as JSON, as GET /models/{id} answers it.
func (m *Model) Append(b []byte) []byte {
	b = jsondoc.AppendString(append(b, `{"id":`...), m.ID)
	b = strconv.AppendInt(append(b, `,"object":"model","created":`...), m.Created, 10)
	return append(jsondoc.AppendString(append(b, `,"owned_by":`...), m.OwnedBy), '}')
}

// ParseModels reads the ids of a model list; false when it is none.
func ParseModels(body []byte) ([]string, bool) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &list) != nil || list.Data == nil {
		return nil, false
	}
	ids := make([]string, 0, len(list.Data))
	for _, m := range list.Data {
		if m.ID != "" {
			ids = append(ids, m.ID)
		}
	}
	return ids, true
}
