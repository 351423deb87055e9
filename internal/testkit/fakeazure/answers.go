package fakeazure

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// apiError is an error in Azure's shape.
type apiError struct {
	status        int
	code, message string
	more          map[string]any
}

func (a *apiError) write(w http.ResponseWriter) {
	inner := map[string]any{"code": a.code, "message": a.message}
	for name, value := range a.more {
		if name == "header" {
			w.Header().Set("Retry-After", value.(string)) //nolint:forcetypeassert // written below
			continue
		}
		inner[name] = value
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(marshal(map[string]any{"error": inner}))
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fake's own shapes, and what was read as JSON, can be written
	}
	return text
}

var (
	wrongKey = &apiError{401, "401", "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key " +
		"for an active subscription and use a correct regional API endpoint for your resource.", nil}
	notFound     = &apiError{404, "404", "Resource not found", nil}
	badVersion   = &apiError{404, "404", "Resource not found", nil}
	noDeployment = &apiError{404, "DeploymentNotFound", "The API deployment for this resource does not exist. If you created the deployment " +
		"within the last 5 minutes, please wait a moment and try again.", nil}
)

// faults are errors on request, by the deployment's name: "prod-4o-mini--429".
var faults = map[string]*apiError{
	"403": {403, "Forbidden", "Access denied due to Virtual Network/Firewall rules.", nil},
	"408": {408, "Timeout", "The operation was timeout.", nil},
	"424": {424, "InternalServerError", "The model failed.", nil},
	"429": {429, "429", "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded " +
		"call rate limit of your current AIServices S0 pricing tier. Please retry after 6 seconds.", nil},
	"429-header": {429, "RateLimitReached", "Please retry after 60 seconds.", map[string]any{"header": "7"}},
	"quota":      {429, "insufficient_quota", "You exceeded your current quota.", nil},
	"500":        {500, "InternalServerError", "The server had an error while processing your request.", nil},
	"503":        {503, "InternalServerError", "The server is busy.", nil},
	"operation":  {400, "OperationNotSupported", "The chatCompletion operation does not work with the specified model.", nil},
	"principal":  {401, "PermissionDenied", "The principal lacks the required data action.", nil},
	"filter": {
		400, "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
		map[string]any{"status": 400, "param": "prompt", "innererror": map[string]any{
			"code": "ResponsibleAIPolicyViolation", "content_filter_result": map[string]any{
				"violence": map[string]any{"filtered": true, "severity": "high"}, "jailbreak": map[string]any{"filtered": false, "detected": false},
			},
		}},
	},
}

// preamble is the chunk that precedes a stream: what the filter thinks of the prompt, and no choice.
const preamble = `data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,` +
	`"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,"detected":false}}}]}` + "\n\n"

// verdict is what the filter thinks of an answer, or of a piece of one.
const verdict = `"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},` +
	`"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},`

// filtered puts the preamble before a stream, and the filter's verdict into choices.
type filtered struct {
	http.ResponseWriter
	begun bool
}

// Write sends the preamble before the first bytes of a stream.
func (f *filtered) Write(b []byte) (int, error) {
	if !bytes.Contains(b, []byte(`"object":"chat.completion`)) {
		return f.ResponseWriter.Write(b)
	}
	if !f.begun && strings.HasPrefix(f.Header().Get("Content-Type"), "text/event-stream") {
		if _, err := f.ResponseWriter.Write([]byte(preamble)); err != nil {
			return 0, err
		}
	}
	f.begun = true
	_, err := f.ResponseWriter.Write(bytes.ReplaceAll(b, []byte(`"choices":[{`), []byte(`"choices":[{`+verdict)))
	return len(b), err
}

// Unwrap lets http.ResponseController flush.
func (f *filtered) Unwrap() http.ResponseWriter { return f.ResponseWriter }
