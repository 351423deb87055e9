// Package params changes the parameters of a request to what a model can take, as the model's capabilities say.
//
// The rules come from a JSON Schema with annotations; docs/parameters.md has the vocabulary. What no rule touches passes
// byte for byte, and when no rule fires the body itself is returned and nothing is allocated. Every change is told.
package params

import (
	"errors"
	"slices"

	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Change is one thing that was changed of a request. Before and After are shown shortened, never whole secrets; they are
// empty for what was not there.
type Change struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// RefusalError says that a request asks for what the model cannot take, where the schema does not want it dropped.
type RefusalError struct {
	Path    string
	Rule    string
	Message string
}

// Error returns the path and the message; neither holds the value.
func (r *RefusalError) Error() string { return r.Path + ": " + r.Message }

// ErrBody says that a body is not the JSON object that it was taken for.
var ErrBody = errors.New("params: not a JSON object")

// Schema is a compiled schema. It is immutable and safe for concurrent use; nil has no rules.
type Schema struct{ root *object }

// IsEmpty reports whether no rule can ever fire.
func (s *Schema) IsEmpty() bool { return s == nil || s.root == nil || !s.root.active() }

// Apply returns the body with the rules applied, and what was changed. When nothing was, it is the body itself.
// Errors: a *RefusalError, or ErrBody.
func (s *Schema) Apply(body []byte) ([]byte, []Change, error) {
	if s.IsEmpty() {
		return body, nil, nil
	}
	fires, err := s.root.fires(body)
	if err != nil || !fires {
		return body, nil, err
	}
	w := writer{out: make([]byte, 0, len(body)+len(body)/8+64)}
	if err := w.object(s.root, body, ""); err != nil {
		return body, nil, err
	}
	if len(w.changes) == 0 {
		return body, nil, nil
	}
	return w.out, w.changes, nil
}

// object is a compiled schema of an object.
type object struct {
	rules map[string]*rule
	// closed says that members that no rule names are unsupported, and then how they are met.
	closed  bool
	unknown reaction
	// defaults are the rules with a default, in the order of their names; each knows its place by rule.bit.
	defaults []*rule
}

// active reports whether any rule can fire.
func (o *object) active() bool {
	if o.closed || len(o.defaults) > 0 {
		return true
	}
	for _, r := range o.rules {
		if r.active() {
			return true
		}
	}
	return false
}

// fires reports whether any rule has something to do. It allocates nothing unless keys are written with escapes.
func (o *object) fires(text []byte) (bool, error) {
	var seen uint64
	it := jsonscan.Members(text)
	for it.Next() {
		r := o.find(&it)
		if r == nil {
			if o.closed {
				return true, nil
			}
			continue
		}
		seen |= r.bit
		if fires, err := r.fires(it.Value); fires || err != nil {
			return fires, err
		}
	}
	if it.Err != nil {
		return false, ErrBody
	}
	return slices.ContainsFunc(o.defaults, func(r *rule) bool { return seen&r.bit == 0 }), nil
}

// find returns the rule of the member that the iterator is at, nil when none names it.
func (o *object) find(it *jsonscan.Iterator) *rule {
	if r := o.rules[string(it.Key)]; r != nil || !escaped(it.Key) {
		return r
	}
	return o.rules[plain(it.Key)]
}
