package fakeanthropic

import (
	"math"
	"net/http"
	"slices"
	"strings"
)

// request is a checked request.
type request struct {
	*conversation

	model, asked string // without and with a fault
	limit        int64
	stream       bool
	tools        []string
	choice       params
	stops        []any
	tier         string
	format       params // what the answer must be; nil: a text
}

func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, requestParams)
	var q *request
	var step Step
	if fault == nil {
		q, step, fault = s.check(p, r.Header.Get("Anthropic-Version"), false)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if e.obey(step, q.stream) {
		return
	}
	a := s.answer(q, step)
	if q.stream {
		e.sendStream(a, step)
		return
	}
	e.sendWhole(a, step)
}

func (s *Server) countTokens(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, countParams)
	var q *request
	var step Step
	if fault == nil {
		q, step, fault = s.check(p, r.Header.Get("Anthropic-Version"), true)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	if !e.obey(step, false) {
		writeJSON(w, http.StatusOK, params{"input_tokens": len(tokens(q.all.String())) + 4})
	}
}

// check checks a whole request.
func (s *Server) check(p params, version string, counts bool) (*request, Step, *apiError) {
	asked, isText := p["model"].(string)
	switch {
	case p["model"] == nil:
		return nil, Step{}, badRequest("model: Field required")
	case !isText:
		return nil, Step{}, badRequest("model: Input should be a valid string")
	}
	q := &request{asked: asked}
	var fault *apiError
	if q.limit, _, fault = integer(p, "", "max_tokens", 1, math.MaxInt32); fault != nil {
		return nil, Step{}, fault
	}
	if q.limit == 0 && !counts {
		return nil, Step{}, badRequest("max_tokens: Field required")
	}
	if model, _ := splitModel(asked); !slices.Contains(s.options.Models, model) {
		return nil, Step{}, &apiError{Status: 404, Type: "not_found_error", Message: "model: " + asked}
	}
	if fault := q.read(p, version); fault != nil {
		return nil, Step{}, fault
	}
	var step Step
	q.model, step = s.step(asked)
	return q, step, nil
}

func (q *request) read(p params, version string) (fault *apiError) {
	if stream, given := p["stream"]; given && stream != nil {
		var isBool bool
		if q.stream, isBool = stream.(bool); !isBool {
			return badRequest("stream: Input should be a valid boolean")
		}
	}
	if fault := checkSampling(p, version); fault != nil {
		return fault
	}
	thinking, fault := checkThinking(p, q.limit)
	if fault != nil {
		return fault
	}
	if q.tools, fault = checkTools(p); fault != nil {
		return fault
	}
	if q.conversation, fault = checkConversation(p, thinking); fault != nil {
		return fault
	}
	q.choice, _ = p["tool_choice"].(params)
	q.stops, _ = p["stop_sequences"].([]any)
	output, _ := p["output_config"].(params)
	q.format, _ = output["format"].(params)
	q.tier = "standard"
	return nil
}

// calls are the tools that are called: those that the caller forces, or that the last turn speaks of.
func (q *request) calls() (out []string) {
	switch q.choice["type"] {
	case "none":
		return nil
	case "tool":
		name, _ := q.choice["name"].(string)
		return []string{name}
	case "any":
		return q.tools[:min(1, len(q.tools))]
	}
	if q.answers {
		return nil
	}
	for _, name := range q.tools {
		if strings.Contains(q.last, name) {
			out = append(out, name)
		}
	}
	if q.choice["disable_parallel_tool_use"] == true {
		return out[:min(1, len(out))]
	}
	return out
}
