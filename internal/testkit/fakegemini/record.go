package fakegemini

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/testkit/record"
)

func (s *Server) record(r *http.Request, body []byte) *Request {
	rec := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query().Get("alt"), Header: r.Header.Clone(), Body: body}
	s.Add(rec)
	return rec
}

// Step says how one request is answered. The zero value answers as the real one would.
type Step struct {
	// Model limits the step to requests for this model; "" fits all.
	Model string
	// Fault is one of Faults; After is how many events go out before a fault in the stream.
	Fault string
	After int
	// Status and Body answer with just that; Status 0 means that the step does not.
	Status int
	Body   string
	// Text replaces the text of the answer.
	Text string
}

// Faults are what can go wrong on request, by a step or by the model's name: "gemini-2.5-pro--503".
var Faults = []string{
	"400", "key", "expired", "401", "403", "404", "location", "billing", "context", "429", "day", "500", "503", "504", "array",
	"hang",        // no answer, or none after some events, until the caller leaves
	"cut",         // the connection breaks within an event, or within a whole answer
	"eof",         // the stream ends without a finish reason
	"malformed",   // an answer that is not JSON
	"error_frame", // an error inside the stream
	"no_usage",    // no usage
	"cached",      // half the prompt came from the cache
	"blocked",     // the prompt is refused: 200 without candidates
	"safety",      // the answer is refused
	"thinking",    // the limit is used up by thinking: no parts
	"batched",     // all events in one write
}

// step is how a request for the named model is to be answered.
func (s *Server) step(name string) Step {
	if step, ok := s.Next(func(step Step) bool { return step.Model == "" || step.Model == name }); ok {
		return step
	}
	_, fault := splitModel(name)
	return Step{Fault: fault}
}

// splitModel takes the fault off a model's name.
func splitModel(name string) (model, fault string) { return record.SplitModel(name, Faults) }

// obey does what a step says of the answer as a whole. It reports whether the request is dealt with.
func (e *exchange) obey(stream bool) bool {
	switch {
	case e.step.Status != 0:
		e.WriteHeader(e.step.Status)
		_, _ = e.Write([]byte(e.step.Body))
		return true
	case faultErrors[e.step.Fault] != nil:
		faultErrors[e.step.Fault].write(e)
		return true
	case e.step.Fault == "hang" && (e.step.After == 0 || !stream):
		e.Hang()
		return true
	case e.step.Fault == "malformed" && !stream:
		e.Header().Set("Content-Type", "application/json")
		_, _ = e.Write([]byte(`{"candidates":[{"content":`))
		return true
	case e.step.Fault == "array":
		e.Header().Set("Content-Type", "application/json")
		e.WriteHeader(http.StatusServiceUnavailable)
		_, _ = e.Write(marshal([]any{faultErrors["503"].body()}))
		return true
	}
	return false
}
