package simulation

import (
	"fmt"
	"strings"
)

// calls are the tools that the answer calls: the forced one, or those that the user's last message speaks of. After a
// tool's answer nothing more is called unless it must be.
func (r *chatRequest) calls() []*tool {
	if r.choice.none || len(r.Tools) == 0 {
		return nil
	}
	last := &r.Messages[len(r.Messages)-1]
	if last.Role != "user" && !r.choice.required {
		return nil
	}
	var called []*tool
	for i := range r.Tools {
		t := &r.Tools[i]
		if t.Function.Name == r.choice.name || r.choice.name == "" && mentions(last.text, t.Function.Name) {
			called = append(called, t)
		}
	}
	if len(called) == 0 && r.choice.required {
		called = []*tool{&r.Tools[0]}
	}
	if len(called) > 1 && r.ParallelToolCalls != nil && !*r.ParallelToolCalls {
		called = called[:1]
	}
	return called
}

// common words of tool names say nothing about what the user wants.
var common = map[string]bool{"get": true, "set": true, "fetch": true, "find": true, "the": true, "for": true, "tool": true, "from": true, "with": true, "and": true}

// mentions reports whether a text speaks of a tool: by its name, or by a word of it ("weather" for get_weather).
func mentions(text, name string) bool {
	text = strings.ToLower(text)
	if strings.Contains(text, strings.ToLower(name)) {
		return true
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' }) {
		if len(word) > 2 && !common[word] && strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func (r *chatRequest) call(w *writer, called []*tool) []call {
	out := make([]call, len(called))
	for i, t := range called {
		s, _ := parseSchema(t.Function.Parameters) // a tool without parameters takes an empty object
		arguments := s.example(w)
		if _, isObject := arguments.(map[string]any); !isObject {
			arguments = map[string]any{}
		}
		out[i] = call{id: fmt.Sprintf("call_sim%016x%d", w.source.Uint64(), i), name: t.Function.Name, arguments: cut(compact(arguments))}
	}
	return out
}
