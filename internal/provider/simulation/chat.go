package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
)

// The model's limits, as the starting catalogue tells them.
const (
	contextWindow = 131_072
	maxOutput     = 8_192
)

const codeContextLength = "context_length_exceeded"

// efforts are how many tokens the model thinks.
var efforts = map[string]int{"": 0, "none": 0, "minimal": 8, "low": 32, "medium": 96, "high": 256, "xhigh": 512, "max": 1024}

// What messages and pictures cost besides their text.
const (
	perMessage = 4
	perRequest = 3
	perImage   = 85
)

// completion is everything that is said to a request.
type completion struct {
	id, model string
	created   int64
	choices   []choice
	usage     *usage // nil: not told
}

// choice is one answer. Reasoning comes first, then text or calls; each is in tokens.
type choice struct {
	reasoning []string
	text      []string
	calls     []call
	finish    string
}

type call struct {
	id, name  string
	arguments []string
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	PromptDetails    struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (e *engine) chat(ctx context.Context, c *provider.Call, p plan) (*http.Response, error) {
	r, refusal := readChat(c)
	if refusal != nil {
		return refusal.response(c), nil
	}
	said, refusal := r.complete(p)
	if refusal != nil {
		return refusal.response(c), nil
	}
	said.created = e.now().Unix()
	if c.Stream {
		s := newStream(ctx, e.now, said, r.facts.IncludeUsage, p)
		return response(c, http.StatusOK, "text/event-stream; charset=utf-8", s), nil
	}
	if err := pause(ctx, p.firstToken()+p.spend(said.tokens())); err != nil {
		return nil, provider.SendError(ctx, err)
	}
	return e.whole(c, said.body(), p), nil
}

// whole answers with a body, or with what a fault makes of it.
func (e *engine) whole(c *provider.Call, body []byte, p plan) *http.Response {
	switch p.fault {
	case faultMalformed:
		return respond(c, http.StatusOK, body[:len(body)/2])
	case faultCut:
		r := response(c, http.StatusOK, "application/json", &cutBody{left: body[:len(body)/2]})
		r.ContentLength = int64(len(body))
		return r
	}
	return respond(c, http.StatusOK, body)
}

// digest makes the answer depend on model, messages, tools, format and seed.
func (r *chatRequest) digest() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(compact([]any{r.facts.Model, r.Messages, r.Tools, r.ResponseFormat, r.Seed})))
	return h.Sum64()
}

// complete says everything that there is to say.
func (r *chatRequest) complete(p plan) (*completion, *failure) {
	prompt := r.promptTokens()
	if prompt > contextWindow {
		return nil, bad("messages", codeContextLength, fmt.Sprintf(
			"This model's maximum context length is %d tokens. However, your messages resulted in %d tokens.", contextWindow, prompt))
	}
	out := &completion{id: fmt.Sprintf("chatcmpl-sim%016x", r.hash), model: r.facts.Model}
	limit := max(maxOutput, p.tokens)
	if r.facts.MaxOutput > 0 {
		limit = min(limit, int(r.facts.MaxOutput))
	}
	for i := range r.facts.N {
		source := rand.New(rand.NewPCG(r.hash, uint64(i+1)*golden)) //nolint:gosec // reproducible on purpose; i is at least 0
		out.choices = append(out.choices, r.answer(source, p, limit))
	}
	if p.fault != faultNoUsage {
		out.usage = r.count(out.choices, prompt)
	}
	return out, nil
}

// golden spreads small numbers over all bits: generators with seeds that are close begin alike.
const golden = 0x9E3779B97F4A7C15

func (r *chatRequest) promptTokens() int {
	n := perRequest
	for i := range r.Messages {
		m := &r.Messages[i]
		n += perMessage + count(m.text) + perImage*m.images
		for _, c := range m.ToolCalls {
			n += count(c.Function.Name) + count(c.Function.Arguments)
		}
	}
	for i := range r.Tools {
		n += count(r.Tools[i].Function.Name) + count(string(r.Tools[i].Function.Parameters))
	}
	return n
}

// answer is one choice within a limit of tokens, thinking included.
func (r *chatRequest) answer(source *rand.Rand, p plan, limit int) choice {
	w := newWriter(source, r.topic())
	var c choice
	c.reasoning = w.thought(min(efforts[r.ReasoningEffort], limit))
	room := limit - len(c.reasoning)
	c.finish = "stop"
	if called := r.calls(); len(called) > 0 && p.tokens == 0 {
		c.calls, c.finish = r.call(w, called), "tool_calls"
		if c.spoken() > room {
			c.calls, c.finish = nil, "length"
		}
		return c
	}
	c.text = cut(r.stopped(r.say(w, p)))
	if len(c.text) > room {
		c.text, c.finish = c.text[:room], "length"
	}
	return c
}

// say is the text of an answer.
func (r *chatRequest) say(w *writer, p plan) string {
	if p.tokens > 0 {
		return strings.Join(w.thought(p.tokens), "")
	}
	switch r.ResponseFormat.Type {
	case "json_object":
		return compact(map[string]any{"topic": w.subject(), "answer": w.sentence()})
	case "json_schema":
		s, _ := parseSchema(r.ResponseFormat.JSONSchema.Schema) // checked when it was read
		return compact(s.example(w))
	}
	if last := &r.Messages[len(r.Messages)-1]; last.Role == "tool" {
		return w.report(last.text)
	}
	return w.text()
}

// stopped cuts a text before the first stop sequence.
func (r *chatRequest) stopped(text string) string {
	end := len(text)
	for _, stop := range r.stops {
		if at := strings.Index(text, stop); at >= 0 {
			end = min(end, at)
		}
	}
	return text[:end]
}

// topic is the last text of the user.
func (r *chatRequest) topic() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if m := &r.Messages[i]; m.Role == "user" && m.text != "" {
			return m.text
		}
	}
	return ""
}

func (r *chatRequest) count(choices []choice, prompt int) *usage {
	u := &usage{PromptTokens: prompt}
	for i := range choices {
		u.CompletionTokens += choices[i].spoken() + len(choices[i].reasoning)
		u.CompletionDetails.ReasoningTokens += len(choices[i].reasoning)
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	if r.facts.PromptCacheKey != "" {
		u.PromptDetails.CachedTokens = prompt / 2 // without a memory, half of it is as good as any
	}
	return u
}

// spoken counts the tokens of a choice without its reasoning.
func (c *choice) spoken() int {
	n := len(c.text)
	for i := range c.calls {
		n += count(c.calls[i].name) + len(c.calls[i].arguments)
	}
	return n
}

func (c *completion) tokens() (n int) {
	for i := range c.choices {
		n += c.choices[i].spoken() + len(c.choices[i].reasoning)
	}
	return n
}

// body is the completion as one answer.
func (c *completion) body() []byte {
	choices := make([]any, len(c.choices))
	for i := range c.choices {
		choices[i] = map[string]any{"index": i, "message": c.choices[i].message(), "logprobs": nil, "finish_reason": c.choices[i].finish}
	}
	out := map[string]any{
		"id": c.id, "object": "chat.completion", "created": c.created, "model": c.model, "choices": choices,
		"system_fingerprint": fingerprint,
	}
	if c.usage != nil {
		out["usage"] = c.usage
	}
	return []byte(compact(out))
}

const fingerprint = "fp_simulation"

func (c *choice) message() map[string]any {
	m := map[string]any{"role": "assistant", "content": strings.Join(c.text, ""), "refusal": nil}
	if len(c.reasoning) > 0 {
		m["reasoning_content"] = strings.Join(c.reasoning, "")
	}
	if len(c.calls) > 0 {
		calls := make([]any, len(c.calls))
		for i, one := range c.calls {
			calls[i] = map[string]any{
				"id": one.id, "type": "function",
				"function": map[string]any{"name": one.name, "arguments": strings.Join(one.arguments, "")},
			}
		}
		m["content"], m["tool_calls"] = nil, calls
	}
	return m
}

// compact writes JSON as people read it: without escaping what only HTML needs escaped.
func compact(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // what was decoded from JSON, and maps of texts and numbers, can be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}
