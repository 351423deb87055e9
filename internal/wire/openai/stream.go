package openai

import (
	"bytes"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Action is what to do with a stream event.
type Action uint8

// The actions.
const (
	// Forward: pass the event on as it is.
	Forward Action = iota
	// Strip: pass on what StripUsage makes of its data.
	Strip
	// Drop: the event exists only because Gantry asked for usage.
	Drop
)

// StreamMeter follows a chat stream: it is told the data of every event. The zero value is ready, for a caller who asked
// for usage. It is for one goroutine and allocates nothing on events that carry only text.
type StreamMeter struct {
	// HideUsage says that the caller did not ask for usage: the usage chunk and the null before it are not theirs to see.
	HideUsage bool
	// Legacy says that choices have a text instead of a delta, as completions do.
	Legacy bool

	// Usage is the last that the stream told; HasUsage says that there was one that can be trusted.
	Usage    inference.Usage
	HasUsage bool
	// Text counts delivered content, refusals and tool calls, Reasoning the delivered thinking. Errors are not counted.
	Text      Count
	Reasoning Count
	// Finished says that a finish reason came, Done that the terminator did, Failed that an error event did, Garbled that one
	// did that clients cannot read and that was not counted.
	Finished bool
	Done     bool
	Failed   bool
	Garbled  bool

	like  template
	spot  []byte // the content that was counted last, with its quotes
	added int    // texts that were counted in this event
}

var (
	tokenDelta  = []byte(`"delta"`)
	tokenUsage  = []byte(`"usage"`)
	tokenError  = []byte(`"error"`)
	tokenFinish = []byte(`"finish_reason"`)
	tokenDone   = []byte("[DONE]")
	usageAtEnd  = []byte(`,"usage":null}`)
	tokenNull   = []byte("null")
)

// Feed looks at one event's data and says what to do with the event. For events without data there is nothing to ask.
func (m *StreamMeter) Feed(data []byte) Action {
	if content, ok := m.like.content(data); ok {
		m.Text.AddPiece(content)
		return m.like.action
	}
	if bytes.Equal(data, tokenDone) {
		m.Done = true
		return Forward
	}
	if !isWhole(data) {
		m.Garbled = true
		return Forward
	}
	finished := m.Finished
	action := m.study(data)
	m.like.learn(m, data, action, m.Finished != finished || m.Failed)
	return action
}

// study looks at an event that is like none before.
func (m *StreamMeter) study(data []byte) Action {
	m.spot, m.added = nil, 0
	if v := member(data, tokenError); len(v) > 0 && v[0] != 'n' && m.isError(data) {
		m.Failed = true
		return Forward
	}
	m.count(data)
	if v := member(data, tokenFinish); len(v) > 1 && v[0] == '"' && v[1] != '"' && !bytes.HasPrefix(v, []byte(`"null"`)) {
		m.Finished = true // DashScope writes "null" where it means null
	}
	return m.usage(data)
}

// FeedAnswer looks at a whole answer instead of events: it counts the text of its messages and reads its usage.
func (m *StreamMeter) FeedAnswer(body []byte) {
	m.Usage, m.HasUsage = Usage(inference.Chat, body)
	var out [1]jsonscan.Field
	if _, _, err := choicesKey.Scan(body, out[:]); err != nil {
		return
	}
	for choice := jsonscan.Elements(out[0].In(body)); choice.Next(); {
		for it := jsonscan.Members(choice.Value); it.Next(); {
			switch string(it.Key) {
			case "message":
				m.addMembers(it.Value)
			case "text":
				addText(&m.Text, it.Value)
			}
		}
	}
}

// Tokens estimates the output tokens delivered so far.
func (m *StreamMeter) Tokens() int64 { return m.Text.Tokens() + m.Reasoning.Tokens() }

// Estimate is the usage as counted here, with the given number of input tokens; for a stream that told none.
func (m *StreamMeter) Estimate(input int64) inference.Usage {
	u := inference.Usage{Estimated: true}
	u.Quantities[inference.TextInput] = input
	u.Quantities[inference.TextOutput] = m.Text.Tokens()
	u.Quantities[inference.TextReasoning] = m.Reasoning.Tokens()
	return u
}

// member returns what follows the first place where name stands as a key, from the value's first byte on; nil when there is
// none. Inside a string the quotes of such a name would be escaped, so it can be found without parsing.
func member(data, name []byte) []byte {
	for {
		at := bytes.Index(data, name)
		if at < 0 {
			return nil
		}
		data = data[at+len(name):]
		if v := skipSpace(data); len(v) > 0 && v[0] == ':' {
			return skipSpace(v[1:])
		}
	}
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

var errorKey = jsonscan.NewKeys("error")

// isError tells an error at the top from a member of that name further in.
func (m *StreamMeter) isError(data []byte) bool {
	var out [1]jsonscan.Field
	if _, _, err := errorKey.Scan(data, out[:]); err != nil {
		return false
	}
	return out[0].Found() && !jsonscan.IsNull(data, out[0])
}

// count adds the text of every delta of the chunk.
func (m *StreamMeter) count(data []byte) {
	if m.Legacy {
		m.countTexts(data)
		return
	}
	for v := member(data, tokenDelta); isObject(v); v = member(v, tokenDelta) {
		m.addMembers(v)
	}
}

// countTexts adds the text of every choice of a completion's chunk.
func (m *StreamMeter) countTexts(data []byte) {
	var out [1]jsonscan.Field
	if _, _, err := choicesKey.Scan(data, out[:]); err != nil {
		return
	}
	for choice := jsonscan.AnyElements(out[0].In(data)); choice.Next(); {
		for it := jsonscan.AnyMembers(choice.Value); it.Next(); {
			if string(it.Key) == "text" {
				m.spot = it.Value
				addText(&m.Text, it.Value)
				m.added++
			}
		}
	}
}

// addMembers adds what a delta or a message says.
func (m *StreamMeter) addMembers(object []byte) {
	for it := jsonscan.Members(object); it.Next(); {
		m.addMember(it.Key, it.Value)
	}
}

func (m *StreamMeter) addMember(key, value []byte) {
	m.added++
	switch string(key) {
	case "content":
		m.spot = value
		addContent(&m.Text, value)
	case "refusal":
		addContent(&m.Text, value)
	case "reasoning_content", "reasoning":
		addText(&m.Reasoning, value)
	case "tool_calls":
		for it := jsonscan.Elements(value); it.Next(); {
			addCall(&m.Text, it.Value)
		}
	case "function_call":
		addFunction(&m.Text, value)
	default:
		m.added--
	}
}

func addText(c *Count, value []byte) {
	if len(value) > 2 && value[0] == '"' {
		c.AddPiece(value[1 : len(value)-1])
	}
}

// addContent adds a text, or the parts that Mistral and others write.
func addContent(c *Count, value []byte) {
	if len(value) == 0 || value[0] != '[' {
		addText(c, value)
		return
	}
	for it := jsonscan.Elements(value); it.Next(); {
		addPart(c, it.Value)
	}
}

func addPart(c *Count, part []byte) {
	for it := jsonscan.Members(part); it.Next(); {
		if string(it.Key) == "text" {
			addText(c, it.Value)
		}
	}
}

func addCall(c *Count, call []byte) {
	for it := jsonscan.Members(call); it.Next(); {
		if k := string(it.Key); k == "function" || k == "custom" {
			addFunction(c, it.Value)
		}
	}
}

func addFunction(c *Count, function []byte) {
	for it := jsonscan.Members(function); it.Next(); {
		if k := string(it.Key); k == "name" || k == "arguments" || k == "input" {
			addText(c, it.Value)
		}
	}
}

func (m *StreamMeter) usage(data []byte) Action {
	v := member(data, tokenUsage)
	switch {
	case v == nil:
		return Forward
	case bytes.HasPrefix(v, tokenNull):
		if m.HideUsage {
			return Strip
		}
		return Forward
	}
	m.added++ // not like others
	if u, ok := Usage(inference.Chat, data); ok {
		m.Usage, m.HasUsage = u, true
	}
	if m.HideUsage && hasNoChoices(data) {
		return Drop
	}
	return Forward
}

var choicesKey = jsonscan.NewKeys("choices")

func hasNoChoices(data []byte) bool {
	var out [1]jsonscan.Field
	if _, _, err := choicesKey.Scan(data, out[:]); err != nil {
		return false
	}
	return !out[0].Found() || jsonscan.IsNull(data, out[0]) || emptyArray(out[0].In(data))
}

// StripUsage appends data without its top-level usage member to dst.
func StripUsage(dst, data []byte) []byte {
	if bytes.HasSuffix(data, usageAtEnd) { // as OpenAI writes it: nothing needs to be searched
		return append(append(dst, data[:len(data)-len(usageAtEnd)]...), '}')
	}
	var out [1]jsonscan.Field
	if _, _, err := usageKey.Scan(data, out[:]); err != nil || !out[0].Found() {
		return append(dst, data...)
	}
	return jsonscan.Apply(dst, data, jsonscan.Edit{Field: jsonscan.Member(data, out[0])})
}
