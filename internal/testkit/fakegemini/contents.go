package fakegemini

import (
	"strings"
)

// turn is a checked content.
type turn struct {
	role      string
	texts     []string
	calls     []string // names of functions
	responses []string
	signed    bool // the first call has its signature
	media     int
}

// conversation is the checked contents of a request.
type conversation struct{ turns []turn }

func (c *conversation) last() *turn { return &c.turns[len(c.turns)-1] }

// words are what the prompt is counted by.
func (c *conversation) words() (n int) {
	for _, t := range c.turns {
		for _, s := range t.texts {
			n += len(strings.Fields(s))
		}
		n += 258*t.media + 8*len(t.calls) + 8*len(t.responses)
	}
	return n
}

// checkContents checks contents one by one, and then in their order.
func (e *exchange) checkContents(m message) (*conversation, *apiError) {
	list, fault := m.list("contents", "")
	if fault != nil {
		return nil, fault
	}
	if len(list) == 0 {
		return nil, invalid("* GenerateContentRequest.contents: contents is not specified")
	}
	c := &conversation{}
	for i, item := range list {
		t, fault := e.checkContent(item, index("contents", i))
		if fault != nil {
			return nil, fault
		}
		c.turns = append(c.turns, t)
	}
	if fault := c.checkOrder(); fault != nil {
		return nil, fault
	}
	return c, e.checkSignatures(c)
}

func (e *exchange) checkContent(v any, at string) (turn, *apiError) {
	m, fault := fields(v, at, "role", "parts")
	if fault != nil {
		return turn{}, fault
	}
	t := turn{role: m.text("role")}
	switch {
	case t.role == "" && e.isCloud, t.role != "" && t.role != "user" && t.role != "model" && t.role != "function":
		return t, invalid("Please use a valid role: user, model.")
	case t.role == "", t.role == "function":
		t.role = "user"
	}
	parts, fault := m.list("parts", at+".")
	if single, ok := m["parts"].(map[string]any); ok {
		parts, fault = []any{single}, nil
	}
	if fault != nil {
		return t, fault
	}
	if len(parts) == 0 {
		return t, invalid("* GenerateContentRequest.%s.parts: contents.parts must not be empty.", at)
	}
	for i, p := range parts {
		if fault := e.checkPart(&t, p, index(at+".parts", i)); fault != nil {
			return t, fault
		}
	}
	return t, nil
}

var payloads = []string{"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}

func (e *exchange) checkPart(t *turn, v any, at string) *apiError {
	m, fault := fields(v, at, append([]string{"thought", "thoughtSignature", "videoMetadata", "mediaResolution"}, payloads...)...)
	if fault != nil {
		return fault
	}
	given := 0
	for _, name := range payloads {
		if m[name] != nil {
			given++
		}
	}
	if given > 1 {
		return invalid("Invalid value at '%s' (oneof), oneof field 'data' is already set.", at)
	}
	if given == 0 {
		return invalid("* GenerateContentRequest.%s.data: required oneof field 'data' must have one initialized field", at)
	}
	return e.checkPayload(t, m, at)
}

func (e *exchange) checkPayload(t *turn, m message, at string) *apiError {
	switch {
	case m["text"] != nil:
		s, ok := m["text"].(string)
		if !ok {
			return invalid("Invalid value at '%s.text' (TYPE_STRING)", at)
		}
		t.texts = append(t.texts, s)
	case m["inlineData"] != nil:
		t.media++
		return checkBlob(m["inlineData"], at+".inline_data", "data")
	case m["fileData"] != nil:
		t.media++
		return checkBlob(m["fileData"], at+".file_data", "fileUri")
	case m["functionCall"] != nil:
		return e.checkCall(t, m, at+".function_call")
	case m["functionResponse"] != nil:
		return e.checkResponse(t, m["functionResponse"], at+".function_response")
	}
	return nil
}

func checkBlob(v any, at, data string) *apiError {
	m, fault := fields(v, at, "mimeType", "displayName", data)
	if fault != nil {
		return fault
	}
	if !strings.Contains(m.text("mimeType"), "/") {
		return invalid("Unsupported MIME type: %s", m.text("mimeType"))
	}
	if m.text(data) == "" {
		return invalid("* GenerateContentRequest.%s: must be set", at)
	}
	return nil
}

// callFields are the members of calls and responses; the id is new to some versions of Vertex.
func (e *exchange) callFields(more ...string) []string {
	if e.isCloud {
		return more
	}
	return append(more, "id")
}

func (e *exchange) checkCall(t *turn, part message, at string) *apiError {
	m, fault := fields(part["functionCall"], at, e.callFields("name", "args")...)
	if fault != nil {
		return fault
	}
	if _, ok := m["args"].(map[string]any); m["args"] != nil && !ok {
		return invalid("Invalid value at '%s.args' (type.googleapis.com/google.protobuf.Struct)", at)
	}
	if m.text("name") == "" || t.role != "model" {
		return invalid("* GenerateContentRequest.%s.name: Name cannot be empty, and only the model calls.", at)
	}
	if len(t.calls) == 0 {
		t.signed = part.text("thoughtSignature") != ""
	}
	t.calls = append(t.calls, m.text("name"))
	return nil
}

func (e *exchange) checkResponse(t *turn, v any, at string) *apiError {
	m, fault := fields(v, at, e.callFields("name", "response", "willContinue", "scheduling", "parts")...)
	if fault != nil {
		return fault
	}
	if _, ok := m["response"].(map[string]any); !ok {
		return invalid("Invalid value at '%s.response' (type.googleapis.com/google.protobuf.Struct)", at)
	}
	if m.text("name") == "" {
		return invalid("* GenerateContentRequest.%s.name: Name cannot be empty.", at)
	}
	t.responses = append(t.responses, m.text("name"))
	return nil
}

// checkOrder holds responses against the calls before them.
func (c *conversation) checkOrder() *apiError {
	for i, t := range c.turns {
		switch {
		case len(t.responses) > 0 && (i == 0 || len(c.turns[i-1].calls) != len(t.responses)):
			return invalid("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")
		case len(t.calls) > 0 && (i == 0 || c.turns[i-1].role != "user"):
			return invalid("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
		case len(t.calls) > 0 && (i+1 == len(c.turns) || len(c.turns[i+1].responses) == 0):
			return invalid("Please ensure that function response turn comes immediately after a function call turn.")
		}
	}
	return nil
}

// checkSignatures wants a signature with the first call of each step since the user last spoke.
func (e *exchange) checkSignatures(c *conversation) *apiError {
	if !strings.HasPrefix(e.model, "gemini-3") {
		return nil
	}
	for i := len(c.turns) - 1; i >= 0; i-- {
		t := &c.turns[i]
		if t.role == "user" && len(t.texts) > 0 {
			return nil
		}
		if len(t.calls) > 0 && !t.signed {
			return invalid("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Additional data, function call `default_api:%s`, position %d.", t.calls[0], i)
		}
	}
	return nil
}
