package fakegemini

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) record(r *http.Request, body []byte) *Request {
	rec := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query().Get("alt"), Header: r.Header.Clone(), Body: body}
	s.update(func() { s.requests = append(s.requests, rec) })
	return rec
}

// update changes what is recorded and wakes those who wait for it.
func (s *Server) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Requests returns what was received so far, oldest first.
func (s *Server) Requests() []Request {
	all, _ := s.snapshot()
	return all
}

func (s *Server) snapshot() ([]Request, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all, s.changed
}

// Wait returns the requests as soon as they satisfy the condition, or the context's error.
func (s *Server) Wait(ctx context.Context, condition func([]Request) bool) ([]Request, error) {
	for {
		all, changed := s.snapshot()
		if condition(all) {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return all, ctx.Err()
		}
	}
}

// Last returns the newest request; false when there is none.
func (s *Server) Last() (Request, bool) {
	all := s.Requests()
	if len(all) == 0 {
		return Request{}, false
	}
	return all[len(all)-1], true
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

// Script appends steps; each is used up by one request that it fits.
func (s *Server) Script(steps ...Step) {
	s.update(func() { s.script = append(s.script, steps...) })
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

const faultMark = "--"

// splitModel takes the fault off a model's name.
func splitModel(name string) (model, fault string) {
	model, fault, ok := strings.Cut(name, faultMark)
	if !ok || !slices.Contains(Faults, fault) {
		return name, ""
	}
	return model, fault
}

// step is how a request for the named model is to be answered.
func (s *Server) step(name string) Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.script, func(step Step) bool { return step.Model == "" || step.Model == name }); i >= 0 {
		step := s.script[i]
		s.script = slices.Delete(s.script, i, i+1)
		return step
	}
	_, fault := splitModel(name)
	return Step{Fault: fault}
}

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
		<-e.r.Context().Done()
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
