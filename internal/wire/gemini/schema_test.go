package gemini

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestSchemasOfOldModelsAreSanitized(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, schema, want, lost string }{
		{"plain", `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, ""},
		{
			"unknown keywords", `{"$schema":"x","$id":"y","type":"object","additionalProperties":false,"patternProperties":{},"properties":{"a":{"type":"array","items":{"type":"integer","multipleOf":2},"uniqueItems":true}}}`,
			`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, "additionalProperties multipleOf patternProperties uniqueItems",
		},
		{"const", `{"const":"a"}`, `{"type":"string","enum":["a"]}`, ""},
		{"enum of numbers", `{"type":"integer","enum":[1,2,null,""]}`, `{"type":"string","enum":["1","2"],"nullable":true}`, ""},
		{"exclusive bounds", `{"type":"number","exclusiveMinimum":0,"maximum":5,"format":"double"}`, `{"type":"number","minimum":0,"maximum":5,"format":"double"}`, "exclusiveMinimum"},
		{"formats", `{"type":"string","format":"uri"}`, `{"type":"string"}`, "format"},
		{"null among types", `{"type":["STRING","null"]}`, `{"type":"string","nullable":true}`, ""},
		{"several types", `{"type":["string","integer"]}`, `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, ""},
		{"oneOf", `{"oneOf":[{"type":"string"},{"type":"integer"}]}`, `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, ""},
		{"null among alternatives", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `{"type":"string","nullable":true}`, ""},
		{
			"allOf", `{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b","a"]}]}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]}`, "",
		},
		{"references", `{"type":"object","properties":{"a":{"$ref":"#/$defs/A~1B"}},"$defs":{"A/B":{"type":"string","description":"d"}}}`, `{"type":"object","properties":{"a":{"type":"string","description":"d"}}}`, ""},
		{"required but not there", `{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}`, `{"type":"object","properties":{"a":{"type":"string"}}}`, ""},
		{"an empty object at the top", `{"type":"object"}`, `{"type":"object","properties":{}}`, ""},
		{"an empty object within", `{"type":"object","properties":{"a":{"type":"object"}}}`, `{"type":"object","properties":{"a":{"type":"string"}}}`, "properties"},
		{"no type", `{"properties":{"a":true,"b":{"items":{}}}}`, `{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"string"}}}}`, ""},
		{"conditions", `{"type":"string","if":{},"then":{},"not":{}}`, `{"type":"string"}`, "if not then"},
	} {
		got, lost, err := sanitize([]byte(c.schema))
		if err != nil || !sameJSON(t, got, c.want) || strings.Join(lost, " ") != c.lost {
			t.Errorf("%s: got %s, lost %v, %v", c.name, got, lost, err)
		}
	}
	loop := `{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}}`
	if got, _, err := sanitize([]byte(loop)); err != nil || len(got) > 10_000 {
		t.Errorf("a schema of itself: %d bytes, %v", len(got), err)
	}
	tree := `{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"l":{"$ref":"#/$defs/N"},"r":{"$ref":"#/$defs/N"},"m":{"$ref":"#/$defs/N"}}}}}`
	if got, _, err := sanitize([]byte(tree)); err != nil || len(got) > 300_000 {
		t.Errorf("a tree of itself: %d bytes, %v", len(got), err)
	}
	if got, _, err := sanitize([]byte(`{"$ref":"#/$defs/N","$defs":{"N":{"$ref":"#/$defs/N"}}}`)); err != nil {
		t.Errorf("a name for itself: %s, %v", got, err)
	}
}

func sameJSON(t *testing.T, a []byte, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

func FuzzSanitize(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"allOf":[{"type":["string","null"]}]}}}`))
	f.Add([]byte(`{"anyOf":[{"const":1},{"enum":[null]}]}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		out, _, err := sanitize(schema)
		if err == nil && !json.Valid(out) {
			t.Errorf("%s became %s", schema, out)
		}
		if out := fromGoogle(schema); json.Valid(schema) && !json.Valid(out) {
			t.Errorf("%s became %s", schema, out)
		}
	})
}
