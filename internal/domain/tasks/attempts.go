package tasks

import (
	"encoding/json"
	"strconv"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// AppendAttempts appends attempts as the JSON array that json.Unmarshal reads back. It is written by hand because every
// relayed call passes here.
func AppendAttempts(b []byte, attempts []Attempt) []byte {
	if b == nil {
		b = make([]byte, 0, 2+512*len(attempts))
	}
	b = append(b, '[')
	for i := range attempts {
		if i > 0 {
			b = append(b, ',')
		}
		b = attempts[i].append(b)
	}
	return append(b, ']')
}

func (a *Attempt) append(b []byte) []byte {
	b = AppendIntMember(b, `{"no":`, int64(a.No))
	b = AppendIDMember(b, `,"platformId":`, a.PlatformID)
	b = AppendTextMember(b, `,"platformName":`, a.PlatformName)
	b = AppendIDMember(b, `,"platformModelId":`, a.PlatformModelID)
	b = AppendIDMember(b, `,"credentialId":`, a.CredentialID)
	b = AppendTextMember(b, `,"provider":`, a.Provider)
	b = AppendTextMember(b, `,"modelAlias":`, a.ModelAlias)
	b = AppendTextMember(b, `,"providerModelName":`, a.ProviderModelName)
	if a.Simulated {
		b = append(b, `,"simulated":true`...)
	}
	b = AppendTextMember(b, `,"status":`, string(a.Status))
	if a.StatusCode != 0 {
		b = AppendIntMember(b, `,"statusCode":`, int64(a.StatusCode))
	}
	b = AppendTextMember(b, `,"category":`, string(a.Category))
	if a.ErrorCode != "" {
		b = AppendTextMember(b, `,"errorCode":`, a.ErrorCode)
	}
	if a.ErrorMessage != "" {
		b = AppendTextMember(b, `,"errorMessage":`, a.ErrorMessage)
	}
	b = strconv.AppendBool(append(b, `,"retryable":`...), a.Retryable)
	b = AppendTextMember(b, `,"verdict":`, a.Verdict)
	b = append(clock.Append(append(b, `,"startedAt":"`...), a.StartedAt), '"')
	if a.TTFT != 0 {
		b = AppendIntMember(b, `,"ttft":`, int64(a.TTFT))
	}
	b = AppendIntMember(b, `,"duration":`, int64(a.Duration))
	if a.UpstreamRequestID != "" {
		b = AppendTextMember(b, `,"upstreamRequestId":`, a.UpstreamRequestID)
	}
	if len(a.Usage) > 0 {
		b = append(append(b, `,"usage":`...), a.Usage...)
	}
	return append(b, '}')
}

// AppendTextMember appends a member of a JSON object, of which before is what stands before its value. Like its sisters it is not
// inlined: records have many members, and code that is small is found in the processor's caches.
//
//go:noinline
func AppendTextMember(b []byte, before, v string) []byte { return appendText(append(b, before...), v) }

// AppendIDMember appends a member whose value is an identifier: a string, empty for the zero one.
//
//go:noinline
func AppendIDMember(b []byte, before string, v id.ID) []byte {
	b = append(append(b, before...), '"')
	if !v.IsZero() {
		b, _ = v.AppendText(b)
	}
	return append(b, '"')
}

// AppendIntMember appends a member whose value is a whole number.
//
//go:noinline
func AppendIntMember(b []byte, before string, v int64) []byte {
	return strconv.AppendInt(append(b, before...), v, 10)
}

// appendText appends a JSON string. Almost all are plain.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // a text always has a form in JSON
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
