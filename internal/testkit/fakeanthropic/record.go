package fakeanthropic

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

func (s *Server) record(r *http.Request, body []byte) (int, *Request) {
	var named struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(body, &named) // a body without a model is recorded all the same
	rec := &Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body, Model: named.Model,
	}
	var n int
	s.update(func() {
		s.requests = append(s.requests, rec)
		n = len(s.requests)
	})
	return n, rec
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

// Script appends steps; each is used up by one request that it fits.
func (s *Server) Script(steps ...Step) {
	s.update(func() { s.script = append(s.script, steps...) })
}

// next takes the first step that fits the model off the script.
func (s *Server) next(model string) (step Step, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.script, func(step Step) bool { return step.Model == "" || step.Model == model })
	if i < 0 {
		return Step{}, false
	}
	step = s.script[i]
	s.script = slices.Delete(s.script, i, i+1)
	return step, true
}
