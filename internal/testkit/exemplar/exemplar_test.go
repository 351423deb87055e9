package exemplar_test

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/testkit/exemplar"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}}}`:  `{"age":36,"name":"Ada"}`,
		`{"type":"OBJECT","properties":{"tags":{"type":"ARRAY","items":{"type":"BOOLEAN"}}}}`: `{"tags":[true]}`,
		`{"anyOf":[{"enum":["red","blue"]},{"type":"null"}]}`:                                 `"red"`,
		`{"const":7}`:     `7`,
		`{"type":"null"}`: `null`,
		`null`:            `{"answer":"yes"}`,
	} {
		var s any
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(exemplar.Of(s)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", schema, got, err, want)
		}
	}
}
