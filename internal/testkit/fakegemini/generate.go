package fakegemini

import (
	"net/http"
	"slices"
	"strings"
)

var requestFields = []string{"contents", "tools", "toolConfig", "safetySettings", "systemInstruction", "generationConfig", "cachedContent", "model", "store"}

var configFields = []string{
	"temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "presencePenalty", "frequencyPenalty",
	"seed", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "speechConfig", "imageConfig",
	"mediaResolution", "responseLogprobs", "logprobs", "thinkingConfig", "enableEnhancedCivicAnswers", "audioTimestamp",
}

// asked is a checked request.
type asked struct {
	*conversation
	system     int // words
	candidates int64
	limit      int64 // tokens; 0: none
	json       bool
	schema     any  // of the answer
	thoughts   bool // are shown
	allowed    []string
	mode       string
}

func (e *exchange) generate(stream bool) *apiError {
	m, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	if strings.Contains(e.model, "embedding") {
		return notFound("models/" + e.model + " is not found for API version v1beta, or is not supported for generateContent.")
	}
	a, fault := e.check(m)
	if fault != nil || e.obey(stream) {
		return fault
	}
	if stream {
		e.sendStream(a)
		return nil
	}
	e.sendWhole(a)
	return nil
}

func (e *exchange) known() []string {
	if e.isCloud {
		return append([]string{"labels"}, requestFields...)
	}
	return requestFields
}

func (e *exchange) check(raw message) (*asked, *apiError) {
	m, fault := fields(raw, "", e.known()...)
	if fault != nil {
		return nil, fault
	}
	a := &asked{candidates: 1}
	if a.conversation, fault = e.checkContents(m); fault != nil {
		return nil, fault
	}
	names, fault := checkTools(m)
	if fault != nil {
		return nil, fault
	}
	if a.mode, a.allowed, fault = checkToolConfig(m, names); fault != nil {
		return nil, fault
	}
	for _, check := range [...]func(message) *apiError{a.checkSystem, a.checkConfig, checkSafety} {
		if fault := check(m); fault != nil {
			return nil, fault
		}
	}
	return a, nil
}

func (a *asked) checkSystem(m message) *apiError {
	if m["systemInstruction"] == nil {
		return nil
	}
	t, fault := (&exchange{}).checkContent(m["systemInstruction"], "system_instruction")
	for _, s := range t.texts {
		a.system += len(strings.Fields(s))
	}
	return fault
}

func (a *asked) checkConfig(m message) (fault *apiError) {
	if m["generationConfig"] == nil {
		return nil
	}
	c, fault := fields(m["generationConfig"], "generation_config", configFields...)
	if fault != nil {
		return fault
	}
	for _, b := range [...]struct {
		name      string
		low, high float64
	}{{"temperature", 0, 2}, {"topP", 0, 1}, {"topK", 1, 1000}, {"presencePenalty", -2, 2}, {"frequencyPenalty", -2, 2}} {
		if fault := c.number(b.name, b.low, b.high); fault != nil {
			return fault
		}
	}
	if a.limit, fault = c.whole("maxOutputTokens", 1, 65_536); fault != nil {
		return fault
	}
	if n, fault := c.whole("candidateCount", 1, 8); fault != nil {
		return fault
	} else if n > 0 {
		a.candidates = n
	}
	if _, fault = c.whole("seed", -1<<31, 1<<31-1); fault != nil {
		return fault
	}
	if fault = checkStops(c); fault != nil {
		return fault
	}
	return a.checkOutput(c)
}

func checkStops(c message) *apiError {
	stops, fault := c.list("stopSequences", "generation_config.")
	if fault == nil && len(stops) > 5 {
		return invalid("Unable to submit request because it has %d stopSequences but the supported range is 0 to 5.", len(stops))
	}
	return fault
}

func (a *asked) checkOutput(c message) *apiError {
	mime := c.text("responseMimeType")
	if !slices.Contains([]string{"", "text/plain", "application/json", "text/x.enum"}, mime) {
		return invalid("* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.")
	}
	a.json = mime == "application/json"
	a.schema = c["responseJsonSchema"]
	if a.schema == nil {
		a.schema = c["responseSchema"]
	}
	hasSchema := c["responseSchema"] != nil || c["responseJsonSchema"] != nil
	switch {
	case c["responseSchema"] != nil && c["responseJsonSchema"] != nil:
		return invalid("response_schema and response_json_schema are mutually exclusive.")
	case hasSchema && mime != "application/json" && mime != "text/x.enum":
		return invalid("* GenerateContentRequest.generation_config.response_schema: only allowed with response_mime_type application/json")
	case c["responseSchema"] != nil:
		if fault := checkSchema(c["responseSchema"], "generation_config.response_schema", true); fault != nil {
			return fault
		}
	}
	if c["thinkingConfig"] == nil {
		return nil
	}
	t, fault := fields(c["thinkingConfig"], "generation_config.thinking_config", "includeThoughts", "thinkingBudget", "thinkingLevel")
	if fault != nil {
		return fault
	}
	if t["thinkingBudget"] != nil && t["thinkingLevel"] != nil {
		return invalid("You can only set only one of thinking budget and thinking level.")
	}
	a.thoughts = t["includeThoughts"] == true
	return nil
}

var harms = []string{"HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"}

func checkSafety(m message) *apiError {
	settings, fault := m.list("safetySettings", "")
	for i, v := range settings {
		s, bad := fields(v, index("safety_settings", i), "category", "threshold", "method")
		if bad != nil {
			return bad
		}
		if !slices.Contains(harms, strings.TrimPrefix(s.text("category"), "HARM_CATEGORY_")) {
			return invalid("Invalid value at 'safety_settings[%d].category', %q", i, s.text("category"))
		}
	}
	return fault
}

func (e *exchange) countTokens() *apiError {
	raw, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	m, fault := fields(raw, "", "contents", "generateContentRequest")
	if fault != nil {
		return fault
	}
	if whole := m["generateContentRequest"]; whole != nil {
		if m, fault = fields(whole, "generate_content_request", requestFields...); fault != nil {
			return fault
		}
	}
	c, fault := e.checkContents(m)
	if fault != nil || e.obey(false) {
		return fault
	}
	writeJSON(e, http.StatusOK, object{"totalTokens": c.words(), "promptTokensDetails": []any{object{"modality": "TEXT", "tokenCount": c.words()}}})
	return nil
}
