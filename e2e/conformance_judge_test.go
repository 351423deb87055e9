package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// judge says how a conversation went: "✓", "refused" for a typed refusal that was to be expected, or "✗" with what was wrong.
func judge(c *conformanceCell) string {
	calls := c.family.ears.of(c.Mark)
	for _, x := range calls {
		select {
		case <-x.done:
		case <-time.After(2 * longest):
			return "✗ the upstream still answers"
		}
	}
	for _, look := range []func(*conformanceCell, []*exchange) string{judgeError, judgeRefusal, judgeCancel, judgeUsage} {
		if verdict := look(c, calls); verdict != "" {
			return verdict
		}
	}
	if want := finishOf[c.API][min(1, len(c.Seen.Calls))]; c.Seen.Finish != want {
		return fmt.Sprintf("✗ it ended with %q, not %q", c.Seen.Finish, want)
	}
	wrong := map[string]func(*conformanceCell, []*exchange) string{
		"text": judgeText, "tools": judgeTools, "parallel_tools": judgeTools, "structured": judgeStructure,
		"reasoning": judgeReasoning, "vision": judgeVision,
	}[c.Scenario](c, calls)
	if wrong != "" {
		return "✗ " + wrong
	}
	return "✓"
}

// finishOf are how APIs say that an answer is complete, and that it calls tools.
var finishOf = map[string][2]string{
	"chat": {"stop", "tool_calls"}, "responses": {"completed", "completed"}, "messages": {"end_turn", "tool_use"},
	"generateContent": {"STOP", "STOP"},
}

// codesOf are what APIs call the errors of the matrix: a prompt that is too long, and a model that there is not.
var codesOf = map[string][2]string{
	"chat": {"context_length_exceeded", "model_not_found"}, "responses": {"context_length_exceeded", "model_not_found"},
	"messages": {"invalid_request_error", "not_found_error"}, "generateContent": {"INVALID_ARGUMENT", "NOT_FOUND"},
}

func judgeError(c *conformanceCell, calls []*exchange) string {
	if c.Scenario != "error" {
		return ""
	}
	codes := codesOf[c.API]
	switch {
	case len(calls) == 0:
		return "✗ the upstream was not asked"
	case !c.threw(c.Seen.Error, http.StatusBadRequest, codes[0]):
		return fmt.Sprintf("✗ no typed 400 %s: %+v", codes[0], c.Seen.Error)
	case !c.threw(c.Seen.Unknown, http.StatusNotFound, codes[1]):
		return fmt.Sprintf("✗ no typed 404 %s: %+v", codes[1], c.Seen.Unknown)
	}
	return "✓"
}

// threw reports whether an error is of the class that the SDK has for the status. Some SDKs tell the code in the message alone.
func (c *conformanceCell) threw(e *conformanceError, status int, code string) bool {
	return e != nil && e.Status == status && e.Class == c.sdk.errors[status] && (e.Code == code || strings.Contains(e.Message, code))
}

// judgeRefusal tells refusals from other errors: those that the family is known for, in the words that are known of them.
func judgeRefusal(c *conformanceCell, _ []*exchange) string {
	e, why := c.Seen.Error, c.family.cannot[c.Scenario]
	switch {
	case e == nil && why == "":
		return ""
	case e == nil:
		return "✗ not refused any more"
	case why != "" && e.Status == http.StatusBadRequest && e.Class == c.sdk.errors[e.Status] && strings.Contains(e.Message, why):
		return "refused"
	}
	return fmt.Sprintf("✗ %s %d %v %s", e.Class, e.Status, e.Code, e.Message)
}

func judgeCancel(c *conformanceCell, calls []*exchange) string {
	switch {
	case c.Scenario != "cancel":
		return ""
	case !c.Seen.Aborted:
		return "✗ the SDK did not see its own abort"
	case len(calls) != 1:
		return fmt.Sprintf("✗ the upstream was asked %d times", len(calls))
	case !calls[0].left:
		return "✗ the upstream did not see the caller leave"
	}
	return "✓"
}

// judgeUsage holds what the SDK tells of tokens against what the upstream told of them.
func judgeUsage(c *conformanceCell, calls []*exchange) string {
	if len(calls) == 0 {
		return "✗ the upstream was not asked"
	}
	s, p, said := c.Seen, c.family.protocol, calls[0].plain()
	input, output, thought := usage(said, p.input), usage(said, p.output), usage(said, p.thought)
	if c.SDK == cannotThink {
		output -= thought
	}
	switch {
	case input == 0 || output == 0:
		return "✗ the upstream told no usage"
	case s.Input != input && !(c.Stream && c.SDK == deafToDeltas), s.Output != output:
		return fmt.Sprintf("✗ usage %d + %d, the upstream said %d + %d", s.Input, s.Output, input, output)
	case s.Thought != thought && c.API != "messages" && c.SDK != cannotThink:
		return fmt.Sprintf("✗ %d tokens of reasoning, the upstream said %d", s.Thought, thought)
	case c.Stream && s.Pieces == 0:
		return fmt.Sprintf("✗ a stream of %d pieces", s.Pieces)
	}
	return ""
}

func judgeText(c *conformanceCell, _ []*exchange) string {
	if s := c.Seen; !strings.Contains(strings.ToLower(s.Text), "hello") || !strings.Contains(s.Text, c.Mark) {
		return fmt.Sprintf("text %q", s.Text)
	}
	return ""
}

// judgeTools wants the tools to have been told with their schemas, and each result with the id of its call.
func judgeTools(c *conformanceCell, calls []*exchange) string {
	want := []string{"get_weather"}
	if c.Scenario == "parallel_tools" {
		want = append(want, "get_time")
	}
	s := c.Seen
	names, ids := []string{}, map[string]bool{}
	for _, call := range s.Calls {
		names, ids[call.ID] = append(names, call.Name), true
		if len(call.Args) == 0 {
			return fmt.Sprintf("%s was called without arguments", call.Name)
		}
	}
	switch {
	case strings.Join(names, " ") != strings.Join(want, " "):
		return fmt.Sprintf("calls %q", names)
	case len(ids) != len(names) && !(ids[""] && c.API == "generateContent"): // Google gives no ids
		return fmt.Sprintf("ids %v", ids)
	case s.After == "":
		return "nothing after the results"
	case len(calls) != 2:
		return fmt.Sprintf("the upstream was asked %d times", len(calls))
	case !strings.Contains(calls[0].told, "The name of the city.") || !strings.Contains(calls[0].told, "The time in a city."):
		return "the upstream did not get the tools"
	}
	return judgeResults(c, calls, want)
}

func judgeResults(c *conformanceCell, calls []*exchange, want []string) string {
	var request any
	if err := json.Unmarshal([]byte(calls[1].told), &request); err != nil {
		return err.Error()
	}
	results, issued := c.family.protocol.results(request), calls[0].calls()
	for _, name := range want {
		found := false
		for id, text := range results {
			found = found || strings.Contains(text, name+" says that it is sunny at noon.") && issued[id]
		}
		if !found {
			return fmt.Sprintf("the upstream did not get the result of %s: it issued %v and heard %v", name, issued, results)
		}
	}
	return ""
}

func judgeStructure(c *conformanceCell, calls []*exchange) string {
	var person struct {
		Name *string  `json:"name"`
		Age  *float64 `json:"age"`
	}
	switch {
	case json.Unmarshal([]byte(c.Seen.Text), &person) != nil || person.Name == nil || person.Age == nil:
		return fmt.Sprintf("not a person: %q", c.Seen.Text)
	case !strings.Contains(strings.ReplaceAll(calls[0].told, `\`, ""), `"age"`):
		return "the upstream did not get the schema"
	}
	return ""
}

// judgeReasoning wants the upstream to have been told how much to think, and to have been told again what it thought.
func judgeReasoning(c *conformanceCell, calls []*exchange) string {
	s := c.Seen
	if c.SDK == cannotThink {
		if s.Reasoning == "" && c.family.unasked || !strings.Contains(s.Text, c.Mark) {
			return fmt.Sprintf("text %q, reasoning %q", s.Text, s.Reasoning)
		}
		return ""
	}
	shown := s.Reasoning != "" || !c.family.shows || c.API == "chat" && c.family.protocol == responsesProtocol // who asks for no summary gets none
	switch {
	case !shown:
		return fmt.Sprintf("reasoning %q, %d tokens", s.Reasoning, s.Thought)
	case !c.family.protocol.effort.MatchString(calls[0].told):
		return "the upstream was not told how much to think"
	}
	if wrong := judgeTools(c, calls); wrong != "" {
		return wrong
	}
	if seal := c.family.seal; seal != "" && !strings.Contains(calls[1].told, seal) {
		return "the upstream was not told again what it thought"
	}
	return ""
}

func judgeVision(c *conformanceCell, calls []*exchange) string {
	if !strings.Contains(c.Seen.Text, c.Mark) {
		return fmt.Sprintf("text %q", c.Seen.Text)
	}
	if !strings.Contains(calls[0].told, conformancePicture) {
		return "the upstream did not get the picture"
	}
	return ""
}

// conformancePicture is what drivers show.
const conformancePicture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
