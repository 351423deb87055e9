package gemini

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type object = map[string]any

// fromGoogle makes a schema in Google's form one in JSON Schema: types are written small, and what may be null says so in its
// type. A schema that cannot be read is left as it is.
func fromGoogle(raw []byte) json.RawMessage {
	var schema any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&schema) != nil {
		return raw
	}
	out, err := json.Marshal(small(schema))
	if err != nil {
		return raw
	}
	return out
}

func small(v any) any {
	m, ok := v.(object)
	if !ok {
		return v
	}
	out := object{}
	for name, value := range m {
		switch name = camel(name); name {
		case "properties":
			out[name] = each(value, small)
		case "items":
			out[name] = small(value)
		case "anyOf":
			out[name] = all(value, small)
		case "nullable", "propertyOrdering":
		default:
			out[name] = value
		}
	}
	typ, isText := out["type"].(string)
	if isText {
		out["type"] = strings.ToLower(typ)
	}
	if m["nullable"] == true && isText {
		out["type"] = []any{strings.ToLower(typ), "null"}
	}
	return out
}

// each applies f to the values of an object, all to the elements of a list.
func each(v any, f func(any) any) any {
	m, ok := v.(object)
	if !ok {
		return v
	}
	out := make(object, len(m))
	for name, value := range m {
		out[name] = f(value)
	}
	return out
}

func all(v any, f func(any) any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	for i, value := range list {
		out[i] = f(value)
	}
	return out
}

// sanitizer makes a JSON Schema one in Google's form, which is a part of OpenAPI's: one keyword that it does not know has the
// whole request refused. Source: the provider sheet "translation", section 1, "Tools".
type sanitizer struct {
	root  object
	lost  map[string]bool // keywords that were left out
	depth int
	nodes int
}

// Bounds of what a schema that refers to itself can grow to.
const (
	maxSchemaDepth = 16
	maxSchemaNodes = 2000
)

// sanitize returns a schema in Google's form, and the keywords that have no place in it.
func sanitize(raw []byte) (json.RawMessage, []string, error) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var root object
	if err := d.Decode(&root); err != nil {
		return nil, nil, err
	}
	s := sanitizer{root: root, lost: map[string]bool{}}
	out, err := json.Marshal(s.schema(root, true))
	return out, slices.Sorted(maps.Keys(s.lost)), err
}

// kept are the keywords that both forms share.
var kept = []string{
	"title", "description", "minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "minimum", "maximum",
}

// silent are keywords that only describe the document.
var silent = []string{"$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "examples", "example", "default", "title"}

func (s *sanitizer) schema(m object, top bool) object {
	s.depth++
	s.nodes++
	defer func() { s.depth-- }()
	if s.depth > maxSchemaDepth || s.nodes > maxSchemaNodes {
		s.lost["$ref"] = true
		return object{"type": "string"}
	}
	m = s.resolved(m)
	out := object{}
	for name, value := range m {
		s.keyword(out, name, value)
	}
	s.typed(out, m)
	s.enumerated(out, m)
	s.bounds(out, m)
	s.nested(out, m, top)
	return out
}

// resolved puts what a $ref names, and what allOf lists, in one schema.
func (s *sanitizer) resolved(m object) object {
	out := maps.Clone(m)
	if ref, ok := m["$ref"].(string); ok {
		delete(out, "$ref")
		if target := s.lookup(ref); target != nil && s.depth < maxSchemaDepth && s.nodes < maxSchemaNodes {
			s.depth++
			s.nodes++
			out = merged(s.resolved(target), out)
			s.depth--
		}
	}
	if list, ok := out["allOf"].([]any); ok {
		delete(out, "allOf")
		for _, v := range list {
			if part, ok := v.(object); ok && s.depth < maxSchemaDepth && s.nodes < maxSchemaNodes {
				s.depth++
				s.nodes++
				out = merged(out, s.resolved(part))
				s.depth--
			}
		}
	}
	return out
}

func (s *sanitizer) lookup(ref string) object {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	at := s.root
	for name := range strings.SplitSeq(path, "/") {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		next, ok := at[name].(object)
		if !ok {
			return nil
		}
		at = next
	}
	return at
}

// merged adds to a what b says besides: properties and required names are put together.
func merged(a, b object) object {
	out := maps.Clone(a)
	for name, value := range b {
		switch have := out[name].(type) {
		case object:
			if more, ok := value.(object); ok && name == "properties" {
				out[name] = merged(have, more)
				continue
			}
		case []any:
			if more, ok := value.([]any); ok && name == "required" {
				out[name] = slices.Concat(have, more)
				continue
			}
		}
		out[name] = value
	}
	return out
}

var structural = []string{
	"type", "enum", "const", "format", "items", "properties", "required", "anyOf", "oneOf", "nullable", "exclusiveMinimum", "exclusiveMaximum",
}

func (s *sanitizer) keyword(out object, name string, value any) {
	switch {
	case slices.Contains(kept, name):
		out[name] = value
	case slices.Contains(structural, name), slices.Contains(silent, name):
	default:
		s.lost[name] = true
	}
}

// typed writes the type. Of several types, null makes the schema nullable, and others are alternatives.
func (s *sanitizer) typed(out, m object) {
	var types []string
	switch t := m["type"].(type) {
	case string:
		types = []string{strings.ToLower(t)}
	case []any:
		for _, v := range t {
			if word, ok := v.(string); ok {
				types = append(types, strings.ToLower(word))
			}
		}
	}
	if i := slices.Index(types, "null"); i >= 0 && len(types) > 1 {
		types, out["nullable"] = slices.Delete(types, i, i+1), true
	}
	if m["nullable"] == true {
		out["nullable"] = true
	}
	switch {
	case len(types) == 1:
		out["type"] = types[0]
	case len(types) > 1:
		var options []any
		for _, t := range types {
			option := object{"type": t}
			if t == "array" {
				option["items"] = object{"type": "string"}
			}
			options = append(options, option)
		}
		out["anyOf"] = options
	case m["properties"] != nil:
		out["type"] = "object"
	case m["items"] != nil:
		out["type"] = "array"
	case m["anyOf"] == nil && m["oneOf"] == nil:
		out["type"] = "string"
	}
}

// enumerated writes the values that are allowed, which are texts in Google's form.
func (s *sanitizer) enumerated(out, m object) {
	values, _ := m["enum"].([]any)
	if v, ok := m["const"]; ok {
		values = []any{v}
	}
	if len(values) == 0 {
		return
	}
	var texts []any
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			out["nullable"] = true
		case string:
			if v != "" {
				texts = append(texts, v)
			}
		default:
			texts = append(texts, fmt.Sprint(v))
		}
	}
	if len(texts) > 0 {
		out["type"], out["enum"] = "string", texts
	}
}

var formats = map[string][]string{
	"string": {"date-time", "enum"}, "number": {"float", "double"}, "integer": {"int32", "int64"},
}

func (s *sanitizer) bounds(out, m object) {
	typ, _ := out["type"].(string)
	if format, ok := m["format"].(string); ok {
		if slices.Contains(formats[typ], format) {
			out["format"] = format
		} else {
			s.lost["format"] = true
		}
	}
	for exclusive, inclusive := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if n, ok := m[exclusive].(json.Number); ok {
			out[inclusive] = n
			s.lost[exclusive] = true
		}
	}
}

func (s *sanitizer) nested(out, m object, top bool) {
	sub := func(v any) any {
		if inner, ok := v.(object); ok {
			return s.schema(inner, false)
		}
		return object{"type": "string"} // true: anything
	}
	if out["type"] == "array" {
		items, ok := m["items"].(object)
		if !ok {
			items = object{"type": "string"}
		}
		out["items"] = s.schema(items, false)
	}
	for _, name := range [...]string{"anyOf", "oneOf"} {
		if list, ok := m[name].([]any); ok && len(list) > 0 {
			s.options(out, list, sub)
		}
	}
	if out["type"] != "object" {
		return
	}
	properties, _ := m["properties"].(object)
	switch {
	case len(properties) > 0:
		out["properties"] = each(properties, sub)
	case !top: // Google wants to know what an object holds
		out["type"] = "string"
		s.lost["properties"] = true
		return
	default:
		out["properties"] = object{}
	}
	if names := existing(m["required"], properties); len(names) > 0 {
		out["required"] = names
	}
}

// options writes alternatives; null among them makes the schema nullable, and one that is left is no alternative.
func (s *sanitizer) options(out object, list []any, sub func(any) any) {
	var options []any
	for _, v := range list {
		if m, ok := v.(object); ok && m["type"] == "null" {
			out["nullable"] = true
			continue
		}
		options = append(options, sub(v))
	}
	if len(options) == 1 {
		if only, ok := options[0].(object); ok {
			maps.Copy(out, only)
		}
		return
	}
	out["anyOf"] = options
}

// existing are the names that are properties.
func existing(required any, properties object) (out []any) {
	list, _ := required.([]any)
	for _, v := range list {
		if name, ok := v.(string); ok && properties[name] != nil && !slices.Contains(out, any(name)) {
			out = append(out, name)
		}
	}
	return out
}
