package fakegemini

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// message is an object as it was decoded, with its names in camel case: Google takes either spelling. Numbers are
// json.Number. What is free-form within it is as it was.
type message map[string]any

// decode reads a request: one object.
func decode(body []byte) (message, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil || m == nil || d.More() {
		return nil, invalid("Invalid JSON payload received. Unexpected end of string.")
	}
	return message(m), nil
}

// camel is a name in camel case.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

// fields returns an object's members by their names in camel case, and refuses names that it does not know.
func fields(v any, at string, known ...string) (message, *apiError) {
	m, ok := v.(map[string]any)
	if own, is := v.(message); is {
		m, ok = own, true
	}
	if !ok {
		return nil, invalid("Invalid value at '%s' (type.googleapis.com/google.ai.generativelanguage), expected an object", at)
	}
	out := message{}
	for name, value := range m {
		c := camel(name)
		if !slices.Contains(known, c) {
			return nil, unknownName(name, at)
		}
		if _, twice := out[c]; twice {
			return nil, invalid("Invalid JSON payload received. Field '%s' occurs twice.", c)
		}
		if value != nil {
			out[c] = value
		}
	}
	return out, nil
}

// list returns a list; an absent one is empty.
func (m message) list(name, at string) ([]any, *apiError) {
	if m[name] == nil {
		return nil, nil
	}
	l, ok := m[name].([]any)
	if !ok {
		return nil, invalid("Invalid value at '%s%s', expected a list", at, name)
	}
	return l, nil
}

func (m message) text(name string) string {
	s, _ := m[name].(string)
	return s
}

// number checks a number against its bounds.
func (m message) number(name string, low, high float64) *apiError {
	if m[name] == nil {
		return nil
	}
	n, isNumber := m[name].(json.Number)
	f, err := n.Float64()
	if !isNumber || err != nil {
		return invalid("Invalid value at 'generation_config.%s' (TYPE_FLOAT), %v", name, m[name])
	}
	if f < low || f > high {
		return invalid("* GenerateContentRequest.generation_config.%s: must be in the range [%g, %g]", name, low, high)
	}
	return nil
}

// whole checks an integer against its bounds, and returns it.
func (m message) whole(name string, low, high int64) (int64, *apiError) {
	if m[name] == nil {
		return 0, nil
	}
	n, isNumber := m[name].(json.Number)
	i, err := n.Int64()
	if !isNumber || err != nil {
		return 0, invalid("Invalid value at 'generation_config.%s' (TYPE_INT32), %v", name, m[name])
	}
	if i < low || i > high {
		return 0, invalid("* GenerateContentRequest.generation_config.%s: must be in the range [%d, %d]", name, low, high)
	}
	return i, nil
}

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }
