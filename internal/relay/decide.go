package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	// maxQuestion is how much of a request's text, counted from its end, a model is asked about.
	maxQuestion = 8000
	// decisionTokens is the limit on the answer: one word, and some that models like to put around it.
	decisionTokens = 16
)

// decide asks a model where the request is to go, by a call of its own that is made for the caller, charged to the caller
// and recorded as a task with the cause "decision". It returns nil when the answer is late, fails or is none of the words.
func (c *call) decide(d *decision, text string) *Route {
	ctx, cancel := context.WithTimeout(c.ctx(), d.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", http.NoBody)
	if err != nil {
		return nil
	}
	w := &answer{header: http.Header{}}
	asked := newCall(c.Relay, w, req, Operation{Format: openai.Chat, Scope: c.op.Scope}, Caller{RequestID: c.requestID, Address: c.caller})
	asked.principal, asked.purpose = c.principal, causeDecision
	asked.body = c.question(d, text)
	if asked.ask, err = openai.Chat.Peek(asked.body); err != nil {
		return nil
	}
	asked.serve()
	if w.status != http.StatusOK {
		c.log.Warn("no decision", "request_id", c.requestID, "model", d.model, "status", w.status)
		return nil
	}
	return d.targets[firstWord(w.body.Bytes())]
}

// serve takes a call that was admitted through the other steps.
func (c *call) serve() {
	defer c.finish()
	for _, step := range [...]func() error{c.resolve, c.reserve} {
		if err := step(); err != nil {
			c.refuse(err)
			return
		}
	}
	c.run()
}

// question is the request that asks for a decision.
func (c *call) question(d *decision, text string) []byte {
	if len(text) > maxQuestion {
		text = text[len(text)-maxQuestion:]
		for len(text) > 0 && !utf8.RuneStart(text[0]) {
			text = text[1:]
		}
	}
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	words := strings.Join(slices.Sorted(maps.Keys(d.targets)), ", ")
	body := map[string]any{
		"model": d.model, "max_tokens": decisionTokens, "temperature": 0,
		"messages": []message{
			{"system", d.prompt + "\n\nAnswer with exactly one of these words and nothing else: " + words + "."},
			{"user", text},
		},
	}
	if c.ask.Simulation {
		body["runMode"] = "simulation"
	}
	return c.marshal(body)
}

// firstWord is the first word of an answer's text, in lower case; "" when there is none.
func firstWord(body []byte) string {
	var a struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &a) != nil || len(a.Choices) == 0 {
		return ""
	}
	words := strings.FieldsFunc(a.Choices[0].Message.Content, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' && r != '-'
	})
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[0])
}

// answer keeps what a call answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
