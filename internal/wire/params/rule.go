package params

import (
	"bytes"
	"slices"
	"strconv"
)

// reaction is what happens to a value that the model does not support.
type reaction uint8

const (
	leave  reaction = iota // it goes out as it is
	drop                   // it is left out, and told
	refuse                 // the request is refused with the path
)

// The names of rules, as they stand in a log of changes.
const (
	ruleDrop      = "x-drop"
	ruleRename    = "x-rename"
	ruleEnumMap   = "x-enum-map"
	ruleNormalize = "x-normalize"
	ruleMinimum   = "minimum"
	ruleMaximum   = "maximum"
	ruleEnum      = "enum"
	ruleType      = "type"
	ruleDefault   = "default"
	ruleUnknown   = "additionalProperties"
)

// rule is what the schema says of one member.
type rule struct {
	name     string
	drops    bool
	rename   string
	enumMap  map[string][]byte // by the text of the value
	measure  measure
	types    []string
	minimum  *bound
	maximum  *bound
	enum     []choice
	otherway reaction // where type or enum does not hold
	value    []byte   // the default; nil: none
	bit      uint64   // of rules with a default
	nested   *object
}

// bound is a limit as a number, and as it is written.
type bound struct {
	at      float64
	written []byte
}

// choice is one allowed value.
type choice struct {
	written []byte
	text    string // of a string; else as it is written
}

func (r *rule) active() bool {
	return r.drops || r.rename != "" || r.enumMap != nil || r.measure != nil || r.minimum != nil || r.maximum != nil ||
		r.otherway != leave || r.value != nil || r.nested != nil && r.nested.active()
}

// verdict is what becomes of a value. The zero verdict leaves it as it is.
type verdict struct {
	rule   string
	reason string
	how    reaction // drop or refuse; else the value is replaced
	value  []byte
}

func (v *verdict) fires() bool { return v.rule != "" }

func (r *rule) fires(value []byte) (bool, error) {
	if r.drops || r.rename != "" {
		return true, nil
	}
	if r.nested != nil && value[0] == '{' {
		return r.nested.fires(value)
	}
	for i := range stages {
		v := r.stage(i, value)
		if v.fires() {
			return true, nil
		}
	}
	return false, nil
}

// stages is how many steps a value is judged by, each of them once: a mapped value may have to be clamped.
const stages = 4

// stage is one step. Null asks for nothing, so nothing is done about it.
func (r *rule) stage(i int, value []byte) verdict {
	if string(value) == "null" {
		return verdict{}
	}
	switch i {
	case 0:
		return r.mapped(value)
	case 1:
		return r.normalized(value)
	case 2:
		return r.clamp(value)
	default:
		return r.unsupported(value)
	}
}

func (r *rule) mapped(value []byte) verdict {
	if r.enumMap == nil {
		return verdict{}
	}
	to, ok := r.enumMap[plainValue(value)]
	if !ok || bytes.Equal(to, value) {
		return verdict{}
	}
	return verdict{rule: ruleEnumMap, reason: "The model calls this value by another name.", value: to}
}

func (r *rule) normalized(value []byte) verdict {
	if r.measure == nil {
		return verdict{}
	}
	to, ok := r.measure(r, value)
	if !ok || bytes.Equal(to, value) {
		return verdict{}
	}
	return verdict{rule: ruleNormalize, reason: "This is how the model takes the value, or the nearest that it takes.", value: to}
}

func (r *rule) clamp(value []byte) verdict {
	if r.minimum == nil && r.maximum == nil {
		return verdict{}
	}
	n, ok := number(value)
	switch {
	case !ok:
	case r.minimum != nil && n < r.minimum.at:
		return verdict{rule: ruleMinimum, reason: "The model takes no lower value.", value: r.minimum.written}
	case r.maximum != nil && n > r.maximum.at:
		return verdict{rule: ruleMaximum, reason: "The model takes no higher value.", value: r.maximum.written}
	}
	return verdict{}
}

func (r *rule) unsupported(value []byte) verdict {
	if r.otherway == leave {
		return verdict{}
	}
	if len(r.types) > 0 && !slices.Contains(r.types, kindOf(value)) && (kindOf(value) != "integer" || !slices.Contains(r.types, "number")) {
		return verdict{rule: ruleType, reason: "The model takes a value of another type.", how: r.otherway}
	}
	if len(r.enum) > 0 && !slices.ContainsFunc(r.enum, func(c choice) bool { return c.is(value) }) {
		return verdict{rule: ruleEnum, reason: "The model does not take this value.", how: r.otherway}
	}
	return verdict{}
}

func (c *choice) is(value []byte) bool {
	if bytes.Equal(c.written, value) {
		return true
	}
	s, ok := text(value)
	return ok && c.written[0] == '"' && s == c.text
}

// plainValue is a value as the keys of an enum map write it: the text of a string, else as it is written.
func plainValue(value []byte) string {
	if s, ok := text(value); ok {
		return s
	}
	return string(value)
}

// number reads a JSON number; too large ones are infinite, which clamps as it should.
func number(value []byte) (float64, bool) {
	if c := value[0]; c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(value), 64)
	return n, err == nil || n != 0
}

// kindOf is a value's type in the words of JSON Schema.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	if bytes.ContainsAny(value, ".eE") {
		return "number"
	}
	return "integer"
}
