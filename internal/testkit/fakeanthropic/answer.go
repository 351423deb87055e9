package fakeanthropic

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

// answer is what the model says.
type answer struct {
	model    string
	thought  []string // tokens
	text     []string
	calls    []string
	input    string // of each call
	reason   string
	sequence any
	usage    params
}

// tokens cuts a text into words with the space before them; a character above ASCII is a token of its own.
func tokens(text string) (out []string) {
	start := 0
	for i, r := range text {
		if i > start && (r == ' ' || r >= 0x80) {
			out = append(out, text[start:i])
			start = i
		}
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// Thought is what the model thinks, always.
const Thought = "Let me think about what was said before I answer."

func (s *Server) answer(q *request, step Step) *answer {
	a := &answer{model: q.model, reason: "end_turn", calls: q.calls()}
	if q.thinking {
		a.thought = tokens(Thought)
	}
	text := step.Text
	switch {
	case len(a.calls) > 0:
		a.reason, a.input, text = "tool_use", `{"city":"Kyiv","days":3}`, "I will look."
	case text == "" && q.format != nil:
		text = string(marshal(exemplar.Of(q.format["schema"])))
	case text == "":
		text = "You said: " + strings.TrimSpace(q.last) + " 好的。"
	}
	text = a.stop(text, q.stops)
	a.text = tokens(text)
	if room := int(q.limit) - len(a.thought); room < len(a.text) {
		a.text, a.calls, a.reason, a.sequence = a.text[:max(room, 0)], nil, "max_tokens", nil
	}
	switch step.Fault {
	case "refusal":
		a.reason = "refusal"
	case "pause":
		a.reason = "pause_turn"
	}
	a.usage = s.usage(q, a, step)
	return a
}

// stop ends a text before the first of the sequences.
func (a *answer) stop(text string, stops []any) string {
	for _, s := range stops {
		sequence, _ := s.(string)
		if before, _, found := strings.Cut(text, sequence); found {
			a.reason, a.sequence = "stop_sequence", sequence
			text = before
		}
	}
	return text
}

// usage counts: what stands before the last mark is read from the cache where it was written before.
func (s *Server) usage(q *request, a *answer, step Step) params {
	input := len(tokens(q.all.String())) + 4
	var read, short, long int
	if n := len(q.marks); n > 0 {
		m := q.marks[n-1]
		cached := len(tokens(q.all.String()[:m.at]))
		input -= cached
		s.mu.Lock()
		known := s.cached[q.prefix(m)]
		s.cached[q.prefix(m)] = true
		s.mu.Unlock()
		switch {
		case known:
			read = cached
		case m.hour:
			long = cached
		default:
			short = cached
		}
	}
	if step.Fault == "bad_usage" {
		input = -1
	}
	return params{
		"input_tokens": input, "cache_creation_input_tokens": short + long, "cache_read_input_tokens": read,
		"cache_creation": params{"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
		"output_tokens":  len(a.thought) + len(a.text) + len(a.calls)*len(tokens(a.input)), "service_tier": q.tier,
	}
}

// blocks are the whole answer's content.
func (a *answer) blocks() []any {
	out := []any{}
	if len(a.thought) > 0 {
		text := strings.Join(a.thought, "")
		out = append(out, params{"type": "thinking", "thinking": text, "signature": Signature(text)})
	}
	if len(a.text) > 0 {
		out = append(out, params{"type": "text", "text": strings.Join(a.text, "")})
	}
	for i, name := range a.calls {
		out = append(out, params{"type": "tool_use", "id": callID(i), "name": name, "input": params{"city": "Kyiv", "days": 3}})
	}
	return out
}

func callID(i int) string { return "toolu_fake" + strconv.Itoa(i) }

func (a *answer) message(content []any, reason, sequence any, usage params) params {
	return params{
		"id": "msg_fake", "type": "message", "role": "assistant", "model": a.model, "content": content, "stop_reason": reason,
		"stop_sequence": sequence, "usage": usage,
	}
}

// sendWhole sends a whole answer, or half of one when it is to be cut.
func (e *exchange) sendWhole(a *answer, step Step) {
	if step.Fault == "cut" {
		e.Header().Set("Content-Type", "application/json")
		e.Header().Set("Content-Length", "4096")
		_, _ = e.Write([]byte(`{"id":"msg_fake","type":"message","role":"assist`))
		e.Abort()
	}
	m := a.message(a.blocks(), a.reason, a.sequence, a.usage)
	if step.Fault == "no_usage" {
		delete(m, "usage")
	}
	writeJSON(e, http.StatusOK, m)
}
