package tasks

import (
	"encoding/json"
	"strconv"
	"time"

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
	b = strconv.AppendInt(append(b, `{"no":`...), int64(a.No), 10)
	b = AppendID(append(b, `,"platformId":`...), a.PlatformID)
	b = AppendText(append(b, `,"platformName":`...), a.PlatformName)
	b = AppendID(append(b, `,"platformModelId":`...), a.PlatformModelID)
	b = AppendID(append(b, `,"credentialId":`...), a.CredentialID)
	b = AppendText(append(b, `,"provider":`...), a.Provider)
	b = AppendText(append(b, `,"modelAlias":`...), a.ModelAlias)
	b = AppendText(append(b, `,"providerModelName":`...), a.ProviderModelName)
	if a.Simulated {
		b = append(b, `,"simulated":true`...)
	}
	b = AppendText(append(b, `,"status":`...), string(a.Status))
	if a.StatusCode != 0 {
		b = strconv.AppendInt(append(b, `,"statusCode":`...), int64(a.StatusCode), 10)
	}
	b = AppendText(append(b, `,"category":`...), string(a.Category))
	if a.ErrorCode != "" {
		b = AppendText(append(b, `,"errorCode":`...), a.ErrorCode)
	}
	if a.ErrorMessage != "" {
		b = AppendText(append(b, `,"errorMessage":`...), a.ErrorMessage)
	}
	b = strconv.AppendBool(append(b, `,"retryable":`...), a.Retryable)
	b = AppendText(append(b, `,"verdict":`...), a.Verdict)
	b = append(a.StartedAt.AppendFormat(append(b, `,"startedAt":"`...), time.RFC3339Nano), '"')
	if a.TTFT != 0 {
		b = strconv.AppendInt(append(b, `,"ttft":`...), int64(a.TTFT), 10)
	}
	b = strconv.AppendInt(append(b, `,"duration":`...), int64(a.Duration), 10)
	if a.UpstreamRequestID != "" {
		b = AppendText(append(b, `,"upstreamRequestId":`...), a.UpstreamRequestID)
	}
	if len(a.Usage) > 0 {
		b = append(append(b, `,"usage":`...), a.Usage...)
	}
	return append(b, '}')
}

// AppendID appends an identifier as JSON: a string, empty for the zero one.
func AppendID(b []byte, v id.ID) []byte {
	b = append(b, '"')
	if !v.IsZero() {
		b, _ = v.AppendText(b)
	}
	return append(b, '"')
}

// AppendText appends a JSON string. Almost all are plain.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // a text always has a form in JSON
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
