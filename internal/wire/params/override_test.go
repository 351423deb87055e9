package params_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire/params"
)

func TestOverride(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings, body, want string
		changes              int
	}{
		"sets what is there":        {`{"temperature":0.5}`, `{"temperature": 1, "a":2}`, `{"temperature": 0.5, "a":2}`, 1},
		"sets what is not there":    {`{"temperature":0.5}`, `{"a":2}`, `{"a":2,"temperature":0.5}`, 1},
		"sets in an empty one":      {`{"a b":"\u00e9"}`, `{}`, `{"a b":"\u00e9"}`, 1},
		"removes":                   {`{"user":null}`, `{"user":"x","a":2}`, `{"a":2}`, 1},
		"removes what is not there": {`{"user":null}`, `{"a":2}`, `{"a":2}`, 0},
		"is so already":             {`{"a":2}`, `{ "a" : 2 }`, `{ "a" : 2 }`, 0},
		"within":                    {`{"think.budget":5,"think.kind":null}`, `{"think":{"kind":"x","z":1}}`, `{"think":{"z":1,"budget":5}}`, 2},
		"within what is not there":  {`{"think.budget":5,"think.kind.x":"on"}`, `{"a":1}`, `{"a":1,"think":{"budget":5,"kind":{"x":"on"}}}`, 1},
		"within what is no object":  {`{"think.budget":5}`, `{"think":true}`, `{"think":{"budget":5}}`, 1},
		"removes within a text":     {`{"think.budget":null}`, `{"think":true}`, `{"think":true}`, 0},
	} {
		o, err := params.CompileOverride([]byte(c.settings))
		if err != nil {
			t.Fatal(err)
		}
		got, changes, err := o.Apply([]byte(c.body))
		if err != nil || string(got) != c.want || len(changes) != c.changes || !json.Valid(got) {
			t.Errorf("%s: got %s, %v, %v", name, got, changes, err)
		}
	}
}

func TestOverridesThatAreRefused(t *testing.T) {
	t.Parallel()
	for settings, path := range map[string]string{
		`{"model":"x"}`: "model", `{"stream":null}`: "stream", `{"messages.x":1}`: "messages.x", `{"a..b":1}`: "a..b",
		`{"a":1,"a.b":2}`: "a.b", `[]`: "", `{"":1}`: "",
	} {
		var s *params.SchemaError
		if _, err := params.CompileOverride([]byte(settings)); !errors.As(err, &s) || s.Path != path {
			t.Errorf("%s: %v", settings, err)
		}
	}
	o, err := params.CompileOverride([]byte(` null `))
	if body := []byte(`{}`); err != nil || o != nil {
		t.Error(o, err)
	} else if got, changes, err := o.Apply(body); string(got) != "{}" || changes != nil || err != nil {
		t.Error(got, changes, err)
	}
}
