package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
)

func TestSchemasAreClosed(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type":"object"}`: "",
		`{"type":"object","properties":{"b":{"type":"string"},"a":{"const":{"properties":{}}}}}`:                 `{"type":"object","properties":{"b":{"type":"string"},"a":{"const":{"properties":{}}}},"additionalProperties":false}`,
		`{"properties":{"a":{"properties":{}}},"additionalProperties":{"type":"string"}}`:                        `{"properties":{"a":{"properties":{},"additionalProperties":false}},"additionalProperties":{"type":"string"}}`,
		`{"$defs":{"properties":{"type":"object","properties":{}}},"anyOf":[{"properties":{}},true],"items":[]}`: `{"$defs":{"properties":{"type":"object","properties":{},"additionalProperties":false}},"anyOf":[{"properties":{},"additionalProperties":false},true],"items":[]}`,
		`{"properties":{},"additionalProperties":false}`:                                                         "",
		`[]`: "",
	} {
		got, closed := wire.ClosedSchema(json.RawMessage(schema))
		if want == "" {
			want = schema
		}
		if string(got) != want || closed != (want != schema) {
			t.Errorf("%s: %s, %v", schema, got, closed)
		}
	}
}

// FuzzClosedSchema: what is JSON stays JSON, and is closed after one time.
func FuzzClosedSchema(f *testing.F) {
	f.Add([]byte(`{"properties":{"a\n":{"properties":{},"anyOf":[{"items":{"properties":null}}]}}}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		got, closed := wire.ClosedSchema(schema)
		if !closed {
			return
		}
		if json.Valid(schema) && !json.Valid(got) {
			t.Fatalf("%s: %s", schema, got)
		}
		if _, again := wire.ClosedSchema(got); again {
			t.Errorf("%s is not closed: %s", schema, got)
		}
	})
}
