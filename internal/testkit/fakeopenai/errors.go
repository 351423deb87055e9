package fakeopenai

import (
	"encoding/json"
	"net/http"
)

// apiError is an answer of the error table.
type apiError struct {
	Status  int
	Type    string // "" follows from Status
	Code    string
	Param   string
	Message string
	Headers map[string]string
}

func (a *apiError) body() map[string]any {
	typ := a.Type
	if typ == "" {
		typ = "invalid_request_error"
	}
	if a.Type == "" && a.Status >= http.StatusInternalServerError {
		typ = "server_error"
	}
	return map[string]any{"error": map[string]any{
		"message": a.Message, "type": typ, "param": nullable(a.Param), "code": nullable(a.Code),
	}}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (a *apiError) write(w http.ResponseWriter) {
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	writeJSON(w, a.Status, a.body())
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(marshal(body), '\n'))
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
	"400": {Status: 400, Code: "invalid_value", Param: "temperature", Message: "Invalid 'temperature': decimal above maximum value."},
	"401": {Status: 401, Code: "invalid_api_key", Message: "Incorrect API key provided: sk-proj-********abcd. " +
		"You can find your API key at https://platform.openai.com/account/api-keys."},
	"403": {Status: 403, Code: "unsupported_country_region_territory", Type: "request_forbidden", Message: "Country, region, or territory not supported"},
	"404": {Status: 404, Code: "model_not_found", Message: "The model does not exist or you do not have access to it."},
	"429": {
		Status: 429, Code: "rate_limit_exceeded", Type: "requests", Headers: map[string]string{"Retry-After": "2", "Retry-After-Ms": "1500"},
		Message: "Rate limit reached for gpt-4o-mini in organization org-fakeupstream0001 on requests per min (RPM): Limit 3, Used 3, Requested 1.",
	},
	"quota":   {Status: 429, Code: "insufficient_quota", Type: "insufficient_quota", Message: "You exceeded your current quota, please check your plan and billing details."},
	"context": {Status: 400, Code: "context_length_exceeded", Param: "messages", Message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens."},
	"policy":  {Status: 400, Code: "content_policy_violation", Message: "Your request was rejected as a result of our safety system."},
	"500":     {Status: 500, Message: "The server had an error while processing your request. Sorry about that!"},
	"502":     {Status: 502, Message: "Bad gateway."},
	"503":     {Status: 503, Message: "The engine is currently overloaded, please try again later.", Code: "engine_overloaded"},
}
