// Package record is what fakes of upstreams remember of their callers, and how they are told to answer.
package record

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Request is a request that was received, in full.
type Request struct {
	Method string
	// Path has no query; Query is what the fake keeps of it.
	Path   string
	Query  string
	Header http.Header
	Body   []byte
	// Model is the model asked for, with its fault suffix; empty when there was none. Action is what is asked of it, where the
	// address says so.
	Model  string
	Action string
	// Status is what was answered; 0 while the answer is not begun.
	Status int
	// Canceled says that the caller left before the answer was complete.
	Canceled bool
	// Events are those of a session that were received, and Ended says that it is over.
	Events []string
	Ended  bool
}

// Log remembers requests, and holds the steps S by which answers are to be given. It is safe for concurrent use.
type Log[S any] struct {
	mu       sync.Mutex
	requests []*Request
	script   []S
	changed  chan struct{} // closed and replaced when requests change
}

// NewLog returns an empty log.
func NewLog[S any]() *Log[S] { return &Log[S]{changed: make(chan struct{})} }

// Add remembers a request and returns how many there are now. The request belongs to the log: Update changes it.
func (l *Log[S]) Add(r *Request) (n int) {
	l.Update(func() {
		l.requests = append(l.requests, r)
		n = len(l.requests)
	})
	return n
}

// Update changes what is remembered and wakes those who wait for it.
func (l *Log[S]) Update(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// Requests returns what was received so far, oldest first.
func (l *Log[S]) Requests() []Request {
	all, _ := l.snapshot()
	return all
}

func (l *Log[S]) snapshot() ([]Request, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Request, len(l.requests))
	for i, r := range l.requests {
		all[i] = *r
	}
	return all, l.changed
}

// Wait returns the requests as soon as they satisfy the condition, or the context's error.
func (l *Log[S]) Wait(ctx context.Context, condition func([]Request) bool) ([]Request, error) {
	for {
		all, changed := l.snapshot()
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
func (l *Log[S]) Last() (Request, bool) {
	all := l.Requests()
	if len(all) == 0 {
		return Request{}, false
	}
	return all[len(all)-1], true
}

// Before reports whether the body of a request came before, in another one.
func (l *Log[S]) Before(now *Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.requests, func(r *Request) bool { return r != now && string(r.Body) == string(now.Body) })
}

// Reset forgets requests and script.
func (l *Log[S]) Reset() { l.Update(func() { l.requests, l.script = nil, nil }) }

// Script appends steps; each is used up by one request that it fits.
func (l *Log[S]) Script(steps ...S) { l.Update(func() { l.script = append(l.script, steps...) }) }

// Next takes the first step that fits off the script.
func (l *Log[S]) Next(fits func(S) bool) (step S, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.script, fits)
	if i < 0 {
		return step, false
	}
	step = l.script[i]
	l.script = slices.Delete(l.script, i, i+1)
	return step, true
}

const faultMark = "--"

// SplitModel takes the fault off a model's name, such as "gpt-4o-mini--500".
func SplitModel(name string, faults []string) (model, fault string) {
	model, fault, ok := strings.Cut(name, faultMark)
	if !ok || !slices.Contains(faults, fault) {
		return name, ""
	}
	return model, fault
}
