package fakeanthropic

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is an answer of the error table.
type apiError struct {
	Status  int
	Type    string
	Message string
	Headers map[string]string
}

func badRequest(format string, args ...any) *apiError {
	return &apiError{Status: 400, Type: "invalid_request_error", Message: fmt.Sprintf(format, args...)}
}

func (a *apiError) body() map[string]any {
	return map[string]any{"type": "error", "error": map[string]any{"type": a.Type, "message": a.Message}}
}

func (a *apiError) write(w http.ResponseWriter) {
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	body := a.body()
	body["request_id"] = w.Header().Get("Request-Id")
	writeJSON(w, a.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(marshal(body))
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fake's own shapes, and what was read as JSON, can be written
	}
	return text
}

// faultErrors are the answers of the faults that are plain errors.
var faultErrors = map[string]*apiError{
	"400": badRequest("temperature: range: 0..1"),
	"401": {Status: 401, Type: "authentication_error", Message: "invalid x-api-key sk-ant-api03-fake-0123456789abcdef"},
	"402": {Status: 402, Type: "billing_error", Message: "There's an issue with your billing or payment information."},
	"403": {Status: 403, Type: "permission_error", Message: "Your API key does not have permission to use the specified resource."},
	"404": {Status: 404, Type: "not_found_error", Message: "model: claude-0"},
	"413": {Status: 413, Type: "request_too_large", Message: "Request exceeds the maximum size"},
	"429": {
		Status: 429, Type: "rate_limit_error", Headers: map[string]string{"Retry-After": "7"},
		Message: "This request would exceed the rate limit for your organization (8f0e1a2b-fake-organization) of 50 requests per minute. See https://docs.claude.com/en/api/rate-limits.",
	},
	"limited": {
		Status: 429, Type: "rate_limit_error", Message: "This request would exceed your organization's rate limit.", Headers: map[string]string{
			"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Anthropic-Ratelimit-Requests-Remaining": "0",
			"Anthropic-Ratelimit-Requests-Reset": "2026-01-01T00:00:09Z", "Anthropic-Ratelimit-Input-Tokens-Remaining": "12",
			"Anthropic-Ratelimit-Input-Tokens-Reset": "2026-01-01T00:01:00Z",
		},
	},
	"500":     {Status: 500, Type: "api_error", Message: "Internal server error"},
	"504":     {Status: 504, Type: "timeout_error", Message: "Request timed out"},
	"529":     {Status: 529, Type: "overloaded_error", Message: "Overloaded", Headers: map[string]string{"Retry-After": "3"}},
	"credit":  badRequest("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."),
	"context": badRequest("prompt is too long: 209000 tokens > 200000 maximum"),
}
