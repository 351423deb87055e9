package fakegemini

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

// ClaudeVersion is what requests to Claude on Vertex must say.
const ClaudeVersion = "vertex-2023-10-16"

const faultMark = "--"

// claude serves {model}:rawPredict and :streamRawPredict: Anthropic's messages without model.
func (e *exchange) claude(name string) *apiError {
	at := strings.LastIndexByte(name, ':')
	if at < 0 || e.R.Method != http.MethodPost {
		return notFound("Publisher Model was not found.")
	}
	model, action := name[:at], name[at+1:]
	e.server.Update(func() { e.Rec.Model, e.Rec.Action = model, action })
	e.step = e.server.step(model)
	e.model, _, _ = strings.Cut(model, faultMark)
	if !strings.HasPrefix(e.model, "claude-") || !slices.Contains(e.server.options.Models, e.model) {
		return notFound("Publisher Model `projects/p/locations/l/publishers/anthropic/models/" + e.model + "` was not found.")
	}
	m, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	stream := action == "streamRawPredict"
	switch {
	case m.text("anthropic_version") != ClaudeVersion:
		return invalid("anthropic_version: Field required")
	case m["model"] != nil:
		return invalid("model: Extra inputs are not permitted")
	case (m["stream"] == true) != stream:
		return invalid("stream: must agree with the method")
	case !e.obey(stream):
		e.server.anthropic.Answer(e, e.R, raw(e.body), claudeModel(model), stream)
	}
	return nil
}

// claudeModel is what Anthropic calls a model: without its date. Faults that are not those of Google's door are Claude's.
func claudeModel(model string) string {
	name, fault, _ := strings.Cut(model, faultMark)
	name, _, _ = strings.Cut(name, "@")
	if !slices.Contains(fakeanthropic.Faults, fault) {
		return name
	}
	return name + faultMark + fault
}

// raw are the members of a body that was decoded before.
func raw(body []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		panic(err)
	}
	return members
}
