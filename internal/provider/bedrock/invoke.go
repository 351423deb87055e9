package bedrock

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// invoke is the API that takes Claude's own requests, but for the model and the wish for a stream, which the path tells.
var invoke = route{
	whole: "invoke", stream: "invoke-with-response-stream", body: claudeBody, event: claudeEvent,
}

// strange are members of Anthropic's API that Bedrock refuses.
var strange = []string{"model", "stream", "service_tier", "context_management", "container", "mcp_servers"}

var (
	strangeKeys = keysOf(strange)
	versionKeys = jsonscan.NewKeys("anthropic_version", "anthropic_beta")
)

func keysOf(names []string) (out []*jsonscan.Keys) {
	for _, name := range names {
		out = append(out, jsonscan.NewKeys(name))
	}
	return out
}

// claudeBody takes out what Bedrock refuses and puts in the version that it wants. Betas are a header at Anthropic, a member here.
func claudeBody(c *provider.Call) ([]byte, error) {
	body := c.Body
	for _, key := range strangeKeys {
		var out [1]jsonscan.Field
		if _, _, err := key.Scan(body, out[:]); err != nil {
			return nil, err
		}
		if out[0].Found() {
			body = jsonscan.Apply(nil, body, jsonscan.Edit{Field: jsonscan.Member(body, out[0])})
		}
	}
	var out [2]jsonscan.Field
	members, at, err := versionKeys.Scan(body, out[:])
	if err != nil {
		return nil, err
	}
	var text []byte
	if !out[0].Found() {
		text = append(text, `"anthropic_version":"bedrock-2023-05-31",`...)
	}
	if betas := c.Header["Anthropic-Beta"]; len(betas) > 0 && !out[1].Found() {
		list, err := json.Marshal(betas)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, `"anthropic_beta":`...), list...), ',')
	}
	if members == 0 && len(text) > 0 {
		text = text[:len(text)-1]
	}
	return jsonscan.Apply(nil, body, jsonscan.Edit{At: at, Text: text}), nil
}

// claudeEvent unpacks an event of Anthropic's, or says an exception in its words.
func claudeEvent(dst []byte, f frame) ([]byte, error) {
	if f.exception {
		return appendEvent(dst, "error", claudeError(f))
	}
	if f.kind != "chunk" {
		return dst, nil // later kinds of frames mean nothing to Anthropic's dialect
	}
	var chunk struct {
		Bytes []byte `json:"bytes"`
	}
	var event struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(f.payload, &chunk) != nil || json.Unmarshal(chunk.Bytes, &event) != nil || event.Type == "" {
		return dst, errPayload
	}
	return appendEvent(dst, event.Type, chunk.Bytes)
}

// claudeTypes are Anthropic's names for what goes wrong.
var claudeTypes = map[inference.Category]string{
	inference.InvalidRequest: "invalid_request_error", inference.ContextLength: "invalid_request_error",
	inference.RateLimited: "rate_limit_error", inference.Overloaded: "overloaded_error", inference.Timeout: "timeout_error",
}

func claudeError(f frame) []byte {
	message := messageOf(f.payload)
	typ := claudeTypes[categorize(0, f.kind, message)]
	if typ == "" {
		typ = "api_error"
	}
	text, err := json.Marshal(map[string]any{"type": "error", "error": map[string]string{"type": typ, "message": provider.Scrub(message)}})
	if err != nil {
		panic(err) // texts can be written
	}
	return text
}
