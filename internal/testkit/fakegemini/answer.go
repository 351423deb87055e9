package fakegemini

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

// Signature is what models of the third generation sign their calls with.
const Signature = "c2lnbmVkLWJ5LXRoZS1mYWtl"

const thinkingTokens = 7

// reply is what the model says.
type reply struct {
	pieces  []string
	calls   []string
	finish  string
	prompt  int
	cached  int
	output  int
	thinks  bool
	shows   bool
	signs   bool
	args    object
	blocked bool
}

// answer makes up what the model says: the functions that the user names are called, else the last text is repeated.
func (e *exchange) answer(a *asked) *reply {
	last := a.last()
	said := strings.Join(last.texts, " ")
	r := &reply{
		finish: "STOP", prompt: a.words() + a.system, thinks: strings.Contains(e.model, "pro"), shows: a.thoughts,
		signs: strings.HasPrefix(e.model, "gemini-3"), args: object{"input": said}, blocked: e.step.Fault == "blocked",
	}
	if e.step.Fault == "cached" {
		r.cached = r.prompt / 2
	}
	if len(last.responses) == 0 && a.mode != "NONE" {
		r.calls = a.called(said)
	}
	text := "You said: " + said
	switch {
	case e.step.Text != "":
		text = e.step.Text
	case a.json:
		text = string(marshal(exemplar.Of(a.schema)))
	case len(last.responses) > 0:
		text = "The functions answered: " + strings.Join(last.responses, ", ")
	}
	if len(r.calls) == 0 {
		r.pieces = strings.SplitAfter(text, " ")
	}
	r.limit(a.limit, e.step.Fault)
	return r
}

// called are the functions that must be called, or that the text names.
func (a *asked) called(said string) (names []string) {
	for _, name := range a.allowed {
		if strings.Contains(said, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 && a.mode == "ANY" {
		names = a.allowed[:1]
	}
	return names
}

func (r *reply) limit(most int64, fault string) {
	switch {
	case fault == "safety":
		r.finish, r.pieces, r.calls = "SAFETY", nil, nil
	case fault == "thinking":
		r.finish, r.pieces, r.calls = "MAX_TOKENS", nil, nil
	case most > 0 && int64(len(r.pieces)) > most:
		r.finish, r.pieces = "MAX_TOKENS", r.pieces[:most]
	}
	r.output = len(r.pieces) + 12*len(r.calls)
}

// parts are the pieces of the answer, one for each event.
func (r *reply) parts() (out []object) {
	if r.thinks && r.shows {
		out = append(out, object{"text": "Let me think.", "thought": true})
	}
	for i, name := range r.calls {
		part := object{"functionCall": object{"name": name, "args": r.args}}
		if i == 0 && r.signs {
			part["thoughtSignature"] = Signature
		}
		out = append(out, part)
	}
	for _, piece := range r.pieces {
		out = append(out, object{"text": piece})
	}
	return out
}

// usage is what the answer took: thoughts are apart from the candidates with the Gemini API.
func (r *reply) usage(candidates int) object {
	thoughts := 0
	if r.thinks {
		thoughts = thinkingTokens
	}
	output := r.output * candidates
	out := object{
		"promptTokenCount": r.prompt, "totalTokenCount": r.prompt + output + thoughts,
		"promptTokensDetails": []any{object{"modality": "TEXT", "tokenCount": r.prompt}},
	}
	if r.blocked {
		out["totalTokenCount"] = r.prompt
		return out
	}
	out["candidatesTokenCount"] = output
	if thoughts > 0 {
		out["thoughtsTokenCount"] = thoughts
	}
	if r.cached > 0 {
		out["cachedContentTokenCount"] = r.cached
		out["cacheTokensDetails"] = []any{object{"modality": "TEXT", "tokenCount": r.cached}}
	}
	return out
}

func (e *exchange) chunk(more object) object {
	more["modelVersion"], more["responseId"] = e.model, "fake-response"
	return more
}

func (e *exchange) whole(a *asked, r *reply) object {
	out := e.chunk(object{})
	if e.step.Fault != "no_usage" {
		out["usageMetadata"] = r.usage(int(a.candidates))
	}
	if r.blocked {
		out["promptFeedback"] = object{"blockReason": "PROHIBITED_CONTENT"}
		return out
	}
	var candidates []any
	for i := range a.candidates {
		content := object{"role": "model"}
		if parts := r.parts(); len(parts) > 0 {
			content["parts"] = joined(parts)
		}
		candidates = append(candidates, object{"index": i, "content": content, "finishReason": r.finish})
	}
	out["candidates"] = candidates
	return out
}

// joined puts texts that follow one another together.
func joined(parts []object) (out []object) {
	for _, p := range parts {
		n := len(out)
		if n > 0 && out[n-1]["thought"] == p["thought"] {
			before, isText := out[n-1]["text"].(string)
			if text, ok := p["text"].(string); ok && isText {
				out[n-1]["text"] = before + text
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

func (e *exchange) sendWhole(a *asked) {
	body := marshal(e.whole(a, e.answer(a)))
	e.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if e.step.Fault == "cut" {
		e.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = e.Write(body[:len(body)/2])
		e.Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = e.Write(body)
}

// chunks are the events of a stream. Usage grows from event to event; the last one has it all.
func (e *exchange) chunks(a *asked, r *reply) (out [][]byte) {
	if r.blocked {
		return [][]byte{marshal(e.whole(a, r))}
	}
	parts := r.parts()
	if len(parts) == 0 {
		return [][]byte{marshal(e.whole(a, r))}
	}
	for i, part := range parts {
		for c := range a.candidates {
			candidate := object{"index": c, "content": object{"role": "model", "parts": []any{part}}}
			if i == len(parts)-1 {
				candidate["finishReason"] = r.finish
			}
			event := e.chunk(object{"candidates": []any{candidate}})
			if e.step.Fault != "no_usage" {
				event["usageMetadata"] = object{"promptTokenCount": r.prompt, "totalTokenCount": r.prompt}
				if i == len(parts)-1 && c == a.candidates-1 {
					event["usageMetadata"] = r.usage(int(a.candidates))
				}
			}
			out = append(out, marshal(event))
		}
	}
	return out
}

// sendStream sends events, or without alt=sse an array.
func (e *exchange) sendStream(a *asked) {
	events, isSSE := e.chunks(a, e.answer(a)), e.Rec.Query == "sse"
	e.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if isSSE {
		e.Header().Set("Content-Type", "text/event-stream")
	}
	e.WriteHeader(http.StatusOK)
	if !isSSE {
		_, _ = e.Write(append(append([]byte("["), bytes.Join(events, []byte(",\r\n"))...), ']'))
		return
	}
	for i, data := range events {
		if e.R.Context().Err() != nil || e.interrupt(i, i == len(events)-1) {
			return
		}
		e.event(data)
	}
}

func (e *exchange) event(data []byte) {
	_, _ = e.Write(append(append([]byte("data: "), data...), "\r\n\r\n"...))
	if e.step.Fault != "batched" {
		e.Flush()
	}
}

// interrupt does what a step says before the event at i; true ends the stream.
func (e *exchange) interrupt(i int, last bool) bool {
	if i < e.step.After && !last {
		return false
	}
	switch e.step.Fault {
	case "hang":
		e.Flush()
		e.Hang()
		return true
	case "cut":
		_, _ = e.Write([]byte(`data: {"candidates": [{"con`))
		e.Flush()
		panic(http.ErrAbortHandler)
	case "eof":
		return true
	case "malformed":
		_, _ = e.Write([]byte("data: {\"candidates\": [{\"con\r\n\r\n"))
		return true
	case "error_frame":
		e.event(marshal(faultErrors["503"].body()))
		return true
	}
	return false
}
