package e2e

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// upstreamProtocol says where in an upstream's protocol stands what the matrix asks about.
type upstreamProtocol struct {
	// input, output and thought are the members of usage; several are added up.
	input, output, thought []string
	// effort is how a request for little thinking reads.
	effort *regexp.Regexp
	// results reads the results of tools out of a request, by the ids of their calls.
	results func(request any) map[string]string
}

var (
	chatProtocol = &upstreamProtocol{
		input: []string{"prompt_tokens"}, output: []string{"completion_tokens"}, thought: []string{"reasoning_tokens"},
		effort:  regexp.MustCompile(`"reasoning_effort":"low"`),
		results: resultsOf("tool_call_id", "content"),
	}
	responsesProtocol = &upstreamProtocol{
		input: []string{"input_tokens"}, output: []string{"output_tokens"}, thought: []string{"reasoning_tokens"},
		effort:  regexp.MustCompile(`"effort":"low"`),
		results: resultsOf("call_id", "output"),
	}
	messagesProtocol = &upstreamProtocol{
		input:   []string{"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"},
		output:  []string{"output_tokens"},
		effort:  regexp.MustCompile(`"budget_tokens":(1024|2048)\b`),
		results: resultsOf("tool_use_id", "content"),
	}
	geminiProtocol = &upstreamProtocol{
		input: []string{"promptTokenCount"}, output: []string{"candidatesTokenCount", "thoughtsTokenCount"},
		thought: []string{"thoughtsTokenCount"},
		effort:  regexp.MustCompile(`"thinkingLevel":"low"|"thinkingBudget":1024`),
		results: resultsOf("name", "response"), // Google ties results to calls by the names of the functions
	}
	converseProtocol = &upstreamProtocol{
		input: []string{"inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"}, output: []string{"outputTokens"},
		effort:  regexp.MustCompile(`"budget_tokens":(1024|2048)\b`),
		results: resultsOf("toolUseId", "content"),
	}
	ollamaProtocol = &upstreamProtocol{
		input: []string{"prompt_eval_count"}, output: []string{"eval_count"},
		effort:  regexp.MustCompile(`"think":"low"`),
		results: resultsOf("tool_call_id", "content"),
	}
)

// usage is what an upstream told last of it, by its members' names.
func usage(said string, members []string) (total int64) {
	for _, name := range members {
		all := regexp.MustCompile(`"`+name+`":\s*(\d+)`).FindAllStringSubmatch(said, -1)
		if len(all) == 0 {
			continue
		}
		n, err := strconv.ParseInt(all[len(all)-1][1], 10, 64)
		if err != nil {
			return -1
		}
		total += n
	}
	return total
}

var packed = regexp.MustCompile(`"bytes":"([A-Za-z0-9+/=]+)"`)

// plain is what an upstream said, with what frames carry in base64 behind it.
func (x *exchange) plain() string {
	said := x.said.String()
	var all strings.Builder
	all.WriteString(said)
	for _, m := range packed.FindAllStringSubmatch(said, -1) {
		text, err := base64.StdEncoding.DecodeString(m[1])
		if err == nil {
			all.Write(text)
		}
	}
	return all.String()
}

// resultsOf finds results by the members that hold the id of their call and what was returned, wherever they stand.
func resultsOf(id, content string) func(any) map[string]string {
	return func(request any) map[string]string {
		out := map[string]string{}
		walk(request, func(o map[string]any) {
			name, _ := o[id].(string)
			if name == "" || o[content] == nil {
				return
			}
			text, err := json.Marshal(o[content])
			if err == nil {
				out[name] = string(text)
			}
		})
		return out
	}
}

// walk visits all objects.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

// issued are the ids that an upstream gave to the calls in an answer, in order; without ids, the names of the functions.
var issued = regexp.MustCompile(`"(?:id|call_id|toolUseId)":"((?:call|toolu|tooluse)_[A-Za-z0-9_-]+)"|"functionCall":\{[^{}]*(?:\{[^{}]*\})?[^{}]*"name":"([a-z_]+)"`)

// calls are the ids by which the upstream knows the calls of its answer.
func (x *exchange) calls() map[string]bool {
	out := map[string]bool{}
	for _, m := range issued.FindAllStringSubmatch(x.plain(), -1) {
		out[m[1]+m[2]] = true
	}
	return out
}
