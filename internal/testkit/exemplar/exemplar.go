// Package exemplar makes up values that fit a schema, as models do that are told to answer by one.
package exemplar

import "strings"

// Of returns a value that fits a schema as it was decoded from JSON: JSON Schema, or Google's with its types in capitals. Of
// what the schema leaves open, and of what is no schema, it returns what is usual.
func Of(schema any) any {
	s, _ := schema.(map[string]any)
	if given, ok := s["const"]; ok {
		return given
	}
	if values, ok := s["enum"].([]any); ok && len(values) > 0 {
		return values[0]
	}
	if options, ok := s["anyOf"].([]any); ok && len(options) > 0 {
		return Of(options[0])
	}
	switch typ, _ := s["type"].(string); strings.ToLower(typ) {
	case "string":
		return "Ada"
	case "integer", "number":
		return 36
	case "boolean":
		return true
	case "null":
		return nil
	case "array":
		return []any{Of(s["items"])}
	}
	return object(s)
}

// object has all properties: callers who say which are required may want the others too.
func object(schema map[string]any) map[string]any {
	out := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		out[name] = Of(p)
	}
	if len(out) == 0 {
		out["answer"] = "yes"
	}
	return out
}
