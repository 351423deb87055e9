package simulation

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// schema is a JSON Schema and the document that its references point into.
type schema struct {
	root map[string]any
	node map[string]any
	left *int // how many more nodes may be looked at
}

// maxNodes bounds what a caller's schema can cost: one that refers to itself twice would otherwise grow without end.
const maxNodes = 5000

func newSchema(root map[string]any) schema {
	left := maxNodes
	return schema{root, root, &left}
}

// spent counts a node and reports whether there were too many.
func (s schema) spent() bool {
	*s.left--
	return *s.left < 0
}

// with is another node of the same document.
func (s schema) with(node map[string]any) schema { return schema{s.root, node, s.left} }

// parseSchema reads a schema; one that is absent allows an empty object.
func parseSchema(raw json.RawMessage) (schema, bool) {
	var root map[string]any
	if len(raw) == 0 || string(raw) == "null" {
		return newSchema(map[string]any{"type": "object"}), true
	}
	if json.Unmarshal(raw, &root) != nil || root == nil {
		return newSchema(map[string]any{"type": "object"}), false
	}
	return newSchema(root), true
}

// maxNesting bounds what a schema that contains itself makes; optional members end well before.
const (
	maxNesting      = 24
	optionalNesting = 6
)

// example is a value that the schema allows.
func (s schema) example(w *writer) any { return s.value(w, "", 0) }

func (s schema) at(node any) schema {
	m, _ := node.(map[string]any) // true and what is no schema allow everything
	return s.with(m)
}

// value makes a value; name is the member that it is for.
func (s schema) value(w *writer, name string, depth int) any {
	if s.spent() || depth > maxNesting {
		return nil
	}
	s = s.resolve()
	if v, ok := s.given(w); ok {
		return v
	}
	for _, key := range [...]string{"anyOf", "oneOf"} {
		if options, _ := s.node[key].([]any); len(options) > 0 {
			return s.merged(s.simplest(options)).value(w, name, depth+1)
		}
	}
	switch s.kind() {
	case "object":
		return s.object(w, depth)
	case "array":
		return s.array(w, name, depth)
	case "integer":
		return int64(s.number(w, 1))
	case "number":
		return s.number(w, 0.5)
	case "boolean":
		return w.source.IntN(2) == 0
	case "null":
		return nil
	}
	return s.string(w, name)
}

// resolve follows references within the document, and joins allOf.
func (s schema) resolve() schema {
	if s.spent() {
		return s
	}
	for range maxNesting {
		ref, ok := s.node["$ref"].(string)
		if !ok {
			break
		}
		target := s.root
		for step := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
			if step != "" {
				target, _ = target[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)].(map[string]any)
			}
		}
		s = s.with(target)
	}
	all, _ := s.node["allOf"].([]any)
	for _, part := range all {
		s = s.merged(s.at(part).resolve().node)
	}
	return s
}

// merged adds what another node says; members of both are joined where they are objects or lists.
func (s schema) merged(other map[string]any) schema {
	out := make(map[string]any, len(s.node)+len(other))
	for key, v := range s.node {
		if key != "anyOf" && key != "oneOf" && key != "allOf" {
			out[key] = v
		}
	}
	for key, v := range other {
		out[key] = joined(out[key], v)
	}
	return s.with(out)
}

func joined(a, b any) any {
	switch b := b.(type) {
	case map[string]any:
		if a, ok := a.(map[string]any); ok {
			out := maps.Clone(a)
			maps.Copy(out, b)
			return out
		}
	case []any:
		if a, ok := a.([]any); ok {
			return slices.Concat(a, b)
		}
	}
	return b
}

// simplest is the option that leads out of a schema which contains itself soonest: one that is not a reference or a
// container, or else the first.
func (s schema) simplest(options []any) map[string]any {
	for _, o := range options {
		node, _ := o.(map[string]any)
		switch kind := s.with(node).kind(); {
		case node["$ref"] != nil, kind == "object", kind == "array", kind == "null":
		default:
			return node
		}
	}
	node, _ := options[0].(map[string]any)
	return s.with(node).resolve().node
}

// given is a value that the schema itself names.
func (s schema) given(w *writer) (any, bool) {
	if v, ok := s.node["const"]; ok {
		return v, true
	}
	if values, _ := s.node["enum"].([]any); len(values) > 0 {
		for _, v := range values {
			if text, ok := v.(string); ok && text != "" && strings.Contains(strings.ToLower(w.prompt), strings.ToLower(text)) {
				return v, true
			}
		}
		return values[w.source.IntN(len(values))], true
	}
	v, ok := s.node["default"]
	return v, ok
}

// kind is the type; of several the first that is not null.
func (s schema) kind() string {
	switch t := s.node["type"].(type) {
	case string:
		return t
	case []any:
		for _, v := range t {
			if name, _ := v.(string); name != "null" {
				return name
			}
		}
		return "null"
	}
	if s.node["properties"] != nil {
		return "object"
	}
	if s.node["items"] != nil {
		return "array"
	}
	return "string"
}

func (s schema) object(w *writer, depth int) any {
	properties, _ := s.node["properties"].(map[string]any)
	required, _ := s.node["required"].([]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	for _, v := range required {
		if name, ok := v.(string); ok && properties[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names) // the order of a map is chance
	out := make(map[string]any, len(names))
	for _, name := range names {
		if depth < optionalNesting || slices.Contains(required, any(name)) {
			out[name] = s.at(properties[name]).value(w, name, depth+1)
		}
	}
	return out
}

func (s schema) array(w *writer, name string, depth int) any {
	low, high := s.bound("minItems", 0), s.bound("maxItems", math.MaxInt32)
	n := max(min(2, high), low)
	if depth >= optionalNesting {
		n = low
	}
	out, seen := []any{}, map[string]bool{}
	for range int(min(n, 100)) {
		v := s.at(s.node["items"]).value(w, strings.TrimSuffix(name, "s"), depth+1)
		if text := compact(v); s.node["uniqueItems"] != true || !seen[text] {
			seen[text] = true
			out = append(out, v)
		}
	}
	return out
}

func (s schema) bound(name string, byDefault float64) float64 {
	if n, ok := s.node[name].(float64); ok {
		return n
	}
	return byDefault
}

// number is the smallest allowed multiple of step above a little chance.
func (s schema) number(w *writer, step float64) float64 {
	if m := s.bound("multipleOf", 0); m > 0 {
		step = max(m, math.Floor(step)) // an integer stays one
	}
	low, high := s.bound("minimum", math.Inf(-1)), s.bound("maximum", math.Inf(1))
	if v, ok := s.node["exclusiveMinimum"].(float64); ok {
		low = max(low, v+step/2)
	}
	if v, ok := s.node["exclusiveMaximum"].(float64); ok {
		high = min(high, v-step/2)
	}
	n := float64(1+w.source.IntN(20)) * step
	if n > high {
		n = math.Floor(high/step) * step
	}
	if n < low {
		n = math.Ceil(low/step) * step
	}
	return n
}

// formats are texts of a prescribed form.
var formats = map[string]string{
	"date": "2026-01-15", "date-time": "2026-01-15T09:30:00Z", "time": "09:30:00Z", "email": "ada@example.com", "hostname": "example.com",
	"uri": "https://example.com/", "uuid": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "duration": "PT5M",
}

// wordy members hold sentences rather than words.
var wordy = map[string]bool{
	"query": true, "text": true, "prompt": true, "question": true, "message": true, "content": true, "description": true,
	"summary": true, "answer": true, "explanation": true, "reason": true,
}

func (s schema) string(w *writer, name string) string {
	form, _ := s.node["format"].(string)
	text := formats[form]
	switch {
	case text != "":
	case strings.Contains(strings.ToLower(name), "date"):
		text = formats["date"]
	case wordy[strings.ToLower(name)]:
		text = w.sentence()
	default:
		text = w.keyword()
	}
	low, high := int(s.bound("minLength", 0)), int(s.bound("maxLength", math.MaxInt32))
	for utf8.RuneCountInString(text) < min(low, 10_000) {
		text += " " + w.keyword()
	}
	if runes := []rune(text); len(runes) > high {
		text = string(runes[:max(high, 0)])
	}
	return text
}
