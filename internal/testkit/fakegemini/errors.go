package fakegemini

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is an answer of the error table.
type apiError struct {
	Code    int
	Status  string
	Message string
	Details []any
}

type object = map[string]any

func (a *apiError) body() object {
	inner := object{"code": a.Code, "message": a.Message, "status": a.Status}
	if len(a.Details) > 0 {
		inner["details"] = a.Details
	}
	return object{"error": inner}
}

func (a *apiError) write(w http.ResponseWriter) { writeJSON(w, a.Code, a.body()) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
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

func invalid(format string, args ...any) *apiError {
	return &apiError{Code: 400, Status: "INVALID_ARGUMENT", Message: fmt.Sprintf(format, args...)}
}

func unknownName(name, at string) *apiError {
	if at == "" {
		return invalid("Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
	}
	return invalid("Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, at)
}

func notFound(message string) *apiError {
	return &apiError{Code: 404, Status: "NOT_FOUND", Message: message}
}

func reason(word string) []any {
	return []any{object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": word, "domain": "googleapis.com", "metadata": object{"service": "generativelanguage.googleapis.com"}}}
}

func exceeded(quotaID, delay string) []any {
	return []any{
		object{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []any{object{
			"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests", "quotaId": quotaID, "quotaValue": "5",
		}}},
		object{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
	}
}

const overQuota = "You exceeded your current quota, please check your plan and billing details. project-0123456789"

// faultErrors are the answers of the faults that are plain errors.
var faultErrors = map[string]*apiError{
	"400":      {Code: 400, Status: "INVALID_ARGUMENT", Message: "Request contains an invalid argument."},
	"key":      {Code: 400, Status: "INVALID_ARGUMENT", Message: "API key not valid. Please pass a valid API key.", Details: reason("API_KEY_INVALID")},
	"expired":  {Code: 400, Status: "INVALID_ARGUMENT", Message: "API key expired. Please renew the API key.", Details: reason("API_KEY_INVALID")},
	"401":      {Code: 401, Status: "UNAUTHENTICATED", Message: "Request had invalid authentication credentials. Expected OAuth 2 access token.", Details: reason("ACCESS_TOKEN_EXPIRED")},
	"403":      {Code: 403, Status: "PERMISSION_DENIED", Message: "Generative Language API has not been used in project 0123456789 before or it is disabled.", Details: reason("SERVICE_DISABLED")},
	"404":      {Code: 404, Status: "NOT_FOUND", Message: "models/gemini-0 is not found for API version v1beta."},
	"location": {Code: 400, Status: "FAILED_PRECONDITION", Message: "User location is not supported for the API use."},
	"billing":  {Code: 400, Status: "FAILED_PRECONDITION", Message: "Gemini API free tier is not available in your country. Please enable billing on your project."},
	"context":  {Code: 400, Status: "INVALID_ARGUMENT", Message: "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."},
	"429":      {Code: 429, Status: "RESOURCE_EXHAUSTED", Message: overQuota, Details: exceeded("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "12.5s")},
	"day":      {Code: 429, Status: "RESOURCE_EXHAUSTED", Message: overQuota, Details: exceeded("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "12.5s")},
	"500":      {Code: 500, Status: "INTERNAL", Message: "An internal error has occurred."},
	"503":      {Code: 503, Status: "UNAVAILABLE", Message: "The model is overloaded. Please try again later."},
	"504":      {Code: 504, Status: "DEADLINE_EXCEEDED", Message: "Deadline expired before operation could complete."},
}
