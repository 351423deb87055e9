package e2e

import (
	"strings"
	"testing"
)

// conversation is one that went well: an OpenAI SDK called a tool of an upstream that speaks chat completions.
func conversation(scenario string) (*conformanceCell, []*exchange) {
	const (
		question = `{"messages":[{"role":"user","content":"(mark 000000)"}],"reasoning_effort":"low","tools":["The name of the city.","The time in a city."]}`
		usage    = `"usage":{"prompt_tokens":7,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":2}}}`
		results  = `{"messages":["(mark 000000)","sealed",{"role":"tool","tool_call_id":"call_1","content":"get_weather says that it is sunny at noon."}]}`
	)
	family := &conformanceFamily{protocol: chatProtocol, shows: true, seal: "sealed", ears: &ears{}}
	for _, call := range [][2]string{{question, `{"tool_calls":[{"id":"call_1"}],` + usage}, {results, `{` + usage}} {
		x := &exchange{told: call[0], done: make(chan struct{}), left: true}
		x.said.WriteString(call[1])
		close(x.done)
		family.ears.note(x)
	}
	seen := &conformanceSeen{Input: 7, Output: 5, Thought: 2, Reasoning: "hm", After: "sunny", Text: "Hello (mark 000000)", Finish: "stop"}
	if scenario == "reasoning" || strings.HasSuffix(scenario, "tools") {
		seen.Finish = "tool_calls"
		seen.Calls = []conformanceCall{{ID: "call_1", Name: "get_weather", Args: map[string]any{"city": "Oslo"}}}
	}
	cell := &conformanceCell{API: "chat", Scenario: scenario, Mark: "(mark 000000)", Seen: seen, family: family, sdk: &conformanceSDKs[0]}
	return cell, family.ears.of(cell.Mark)
}

func TestTheMatrixBites(t *testing.T) {
	t.Parallel()
	lose := func(at int, what string) func(*conformanceCell, []*exchange) {
		return func(_ *conformanceCell, calls []*exchange) {
			calls[at].told = strings.ReplaceAll(calls[at].told, what, "")
		}
	}
	for name, c := range map[string]struct {
		scenario string
		spoil    func(*conformanceCell, []*exchange)
		want     string
	}{
		"a good one":            {"reasoning", func(*conformanceCell, []*exchange) {}, "✓"},
		"a good text":           {"text", func(*conformanceCell, []*exchange) {}, "✓"},
		"input":                 {"text", func(c *conformanceCell, _ []*exchange) { c.Seen.Input++ }, "✗ usage"},
		"output":                {"text", func(c *conformanceCell, _ []*exchange) { c.Seen.Output-- }, "✗ usage"},
		"tokens of reasoning":   {"text", func(c *conformanceCell, _ []*exchange) { c.Seen.Thought = 0 }, "✗ 0 tokens"},
		"another's answer":      {"text", func(c *conformanceCell, _ []*exchange) { c.Seen.Text = "Hello (mark 000001)" }, "✗ text"},
		"a stream in no pieces": {"text", func(c *conformanceCell, _ []*exchange) { c.Stream = true }, "✗ a stream"},
		"another end":           {"text", func(c *conformanceCell, _ []*exchange) { c.Seen.Finish = "length" }, "✗ it ended"},
		"no schemas":            {"tools", lose(0, "The name of the city."), "✗ the upstream did not get the tools"},
		"no result":             {"tools", lose(1, "sunny"), "✗ the upstream did not get the result"},
		"the result of another": {"tools", lose(1, "call_1"), "✗ the upstream did not get the result"},
		"no arguments":          {"tools", func(c *conformanceCell, _ []*exchange) { c.Seen.Calls[0].Args = nil }, "✗ get_weather was called"},
		"one call of two":       {"parallel_tools", func(*conformanceCell, []*exchange) {}, "✗ calls"},
		"no effort":             {"reasoning", lose(0, "reasoning_effort"), "✗ the upstream was not told how much"},
		"no seal":               {"reasoning", lose(1, "sealed"), "✗ the upstream was not told again"},
		"no thoughts":           {"reasoning", func(c *conformanceCell, _ []*exchange) { c.Seen.Reasoning = "" }, "✗ reasoning"},
		"no picture":            {"vision", func(*conformanceCell, []*exchange) {}, "✗ the upstream did not get the picture"},
		"no person":             {"structured", func(*conformanceCell, []*exchange) {}, "✗ not a person"},
		"no error":              {"error", func(*conformanceCell, []*exchange) {}, "✗ no typed 400"},
		"a refusal out of place": {"text", func(c *conformanceCell, _ []*exchange) {
			c.Seen.Error = &conformanceError{Class: "BadRequestError", Status: 400}
		}, "✗ BadRequestError"},
		"a refusal that is known": {"vision", refuse("Pictures are not seen."), "refused"},
		"a refusal of another":    {"vision", refuse("No."), "✗ BadRequestError"},
		"a refusal that is gone":  {"vision", func(c *conformanceCell, _ []*exchange) { c.family.cannot = known }, "✗ not refused any more"},
		"nobody left": {"cancel", func(c *conformanceCell, calls []*exchange) {
			c.Seen.Aborted, c.family.ears.byMark[c.Mark], calls[0].left = true, calls[:1], false
		}, "✗ the upstream did not see"},
	} {
		cell, calls := conversation(c.scenario)
		c.spoil(cell, calls)
		if got := judge(cell); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

var known = map[string]string{"vision": "not seen"}

// refuse has a conversation end in an error where one is known to.
func refuse(message string) func(*conformanceCell, []*exchange) {
	return func(c *conformanceCell, _ []*exchange) {
		c.family.cannot = known
		c.Seen.Error = &conformanceError{Class: "BadRequestError", Status: 400, Message: message}
	}
}
