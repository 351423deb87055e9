package fakebedrock

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

// How every answer begins, and what it is said to take; thoughts are counted with the output.
const (
	Answer       = "Hello from Bedrock!"
	inputTokens  = 12
	outputTokens = 5
)

// answered is what the model says.
type answered struct {
	thought string
	text    string
	calls   []string
	inputs  []any
	stop    string
}

// think makes up what the model says: the tools that the user names are called, else the last text is repeated.
func (q *converseRequest) think() *answered {
	a := &answered{stop: "end_turn", text: Answer + " You said: " + q.said}
	if q.thinks() {
		a.thought = fakeanthropic.Thought
	}
	if q.Output != nil {
		var schema any
		_ = json.Unmarshal([]byte(q.Output.Format.Structure.JSON.Schema), &schema) // it was checked
		a.text = string(marshal(exemplar.Of(schema)))
	}
	if a.calls = q.calls(); len(a.calls) > 0 {
		a.stop, a.text = "tool_use", ""
	}
	for _, name := range a.calls {
		a.inputs = append(a.inputs, exemplar.Of(q.schema[name]))
	}
	return a
}

func (q *converseRequest) calls() (out []string) {
	if q.ToolConfig == nil {
		return nil
	}
	if forced, ok := q.ToolConfig.Choice["tool"].(object); ok {
		name, _ := forced["name"].(string)
		return []string{name}
	}
	if q.ToolConfig.Choice["any"] != nil {
		return q.tools[:1]
	}
	for _, name := range q.tools {
		if strings.Contains(q.said, name) && !q.results {
			out = append(out, name)
		}
	}
	return out
}

func callID(i int) string { return "tooluse_fake" + strconv.Itoa(i) }

var usage = object{"inputTokens": inputTokens, "outputTokens": outputTokens, "totalTokens": inputTokens + outputTokens}

// whole answers in one piece.
func (c *exchange) whole(body []byte) {
	a := c.heard(body).think()
	var content []any
	if a.thought != "" {
		content = append(content, object{"reasoningContent": object{"reasoningText": object{
			"text": a.thought, "signature": fakeanthropic.Signature(a.thought),
		}}})
	}
	if a.text != "" {
		content = append(content, object{"text": a.text})
	}
	for i, name := range a.calls {
		content = append(content, object{"toolUse": object{"toolUseId": callID(i), "name": name, "input": a.inputs[i]}})
	}
	reply(c.w, object{
		"output": object{"message": object{"role": "assistant", "content": content}}, "stopReason": a.stop, "usage": usage,
		"metrics": object{"latencyMs": 321},
	})
}

// heard is a request that has been checked.
func (c *exchange) heard(body []byte) *converseRequest {
	q, f := c.checkConverse(body, nil)
	if f != nil {
		panic(f.message) // it was checked before
	}
	return q
}

// event is one frame before it is framed.
type event struct {
	kind    string
	payload object
}

// events are those of a stream, in order.
func (a *answered) events() []event {
	out := []event{{"messageStart", object{"role": "assistant", "p": "abc"}}}
	index := 0
	block := func(deltas ...object) {
		for _, d := range deltas {
			out = append(out, event{"contentBlockDelta", object{"contentBlockIndex": index, "delta": d, "p": "abcdef"}})
		}
		out = append(out, event{"contentBlockStop", object{"contentBlockIndex": index}})
		index++
	}
	if a.thought != "" {
		var deltas []object
		for _, word := range words(a.thought) {
			deltas = append(deltas, object{"reasoningContent": object{"text": word}})
		}
		block(append(deltas, object{"reasoningContent": object{"signature": fakeanthropic.Signature(a.thought)}})...)
	}
	if a.text != "" {
		var deltas []object
		for _, word := range words(a.text) {
			deltas = append(deltas, object{"text": word})
		}
		block(deltas...)
	}
	for i, name := range a.calls {
		out = append(out, event{"contentBlockStart", object{
			"contentBlockIndex": index, "start": object{"toolUse": object{"toolUseId": callID(i), "name": name}},
		}})
		input := string(marshal(a.inputs[i]))
		block(object{"toolUse": object{"input": input[:len(input)/2]}}, object{"toolUse": object{"input": input[len(input)/2:]}})
	}
	return append(out, event{"messageStop", object{"stopReason": a.stop}},
		event{"metadata", object{"usage": usage, "metrics": object{"latencyMs": 321}}})
}

// words cuts a text before its spaces.
func words(text string) []string {
	out := strings.SplitAfter(text, " ")
	for i := len(out) - 1; i > 0; i-- {
		out[i] = " " + strings.TrimSuffix(out[i], " ")
	}
	out[0] = strings.TrimSuffix(out[0], " ")
	return out
}

// stream answers in frames.
func (c *exchange) stream(body []byte) {
	c.begin()
	for i, e := range c.heard(body).think().events() {
		if !c.frame(i, e.kind, e.payload) {
			return
		}
	}
}
