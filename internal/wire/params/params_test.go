package params_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/wire/params"
)

func compile(tb testing.TB, schema string) *params.Schema {
	tb.Helper()
	s, err := params.Compile([]byte(schema))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func twice(rule string) string { return rule + " " + rule }

func TestApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		schema, body, want string
		rules              string // of the changes, in their order
	}{
		"clamps from above":     {`{"properties":{"temperature":{"minimum":0,"maximum":1}}}`, `{"a" : 1 , "temperature": 1.7}`, `{"a" : 1 , "temperature": 1}`, "maximum"},
		"clamps from below":     {`{"properties":{"temperature":{"minimum":0.5}}}`, `{"temperature":-1e400}`, `{"temperature":0.5}`, "minimum"},
		"leaves other types":    {`{"properties":{"temperature":{"minimum":0}}}`, `{"temperature":"-1"}`, `{"temperature":"-1"}`, ""},
		"null asks for nothing": {`{"properties":{"n":{"type":"integer","minimum":1,"x-on-unsupported":"refuse"}}}`, `{"n":null}`, `{"n":null}`, ""},
		"drops the first":       {`{"properties":{"a":{"x-drop":true}}}`, `{ "a":1, "b":2}`, `{ "b":2}`, "x-drop"},
		"drops the last":        {`{"properties":{"b":{"x-drop":true}}}`, "{\"a\":1,\n\"b\":2 }", `{"a":1 }`, "x-drop"},
		"drops neighbours":      {`{"properties":{"b":{"x-drop":true},"c":{"x-drop":true}}}`, `{"a":1,"b":2,"c":3}`, `{"a":1}`, twice("x-drop")},
		"drops all":             {`{"properties":{"a":{"x-drop":true},"b":{"x-drop":true}}}`, `{"a":1,"b":2}`, `{}`, twice("x-drop")},
		"an escaped key":        {`{"properties":{"top_k":{"x-drop":true}}}`, `{"top\u005fk":5,"a":"x"}`, `{"a":"x"}`, "x-drop"},
		"each of two":           {`{"properties":{"n":{"maximum":2}}}`, `{"n":5,"n":9}`, `{"n":2,"n":2}`, twice("maximum")},
		"renames":               {`{"properties":{"seed":{"x-rename":"random_seed"}}}`, `{"seed" : 7}`, `{"random_seed" : 7}`, "x-rename"},
		"renames not onto another": {
			`{"properties":{"seed":{"x-rename":"random_seed"}}}`, `{"seed":7,"random_seed":8}`, `{"random_seed":8}`, "x-rename",
		},
		"maps":            {`{"properties":{"quality":{"x-enum-map":{"hd":"high","1":"low"}}}}`, `{"quality":"hd"}`, `{"quality":"high"}`, "x-enum-map"},
		"maps a number":   {`{"properties":{"quality":{"x-enum-map":{"1":"low"}}}}`, `{"quality":1}`, `{"quality":"low"}`, "x-enum-map"},
		"maps and clamps": {`{"properties":{"effort":{"x-enum-map":{"high":9},"maximum":5}}}`, `{"effort":"high"}`, `{"effort":5}`, "x-enum-map maximum"},
		"a mapped and renamed one": {
			`{"properties":{"q":{"x-enum-map":{"hd":"high"},"x-rename":"quality"}}}`, `{"q":"hd"}`, `{"quality":"high"}`, "x-enum-map x-rename",
		},
		"defaults":             {`{"properties":{"a":{"default":{"x":[1]}},"b":{"default":2}}}`, `{"b":3}`, `{"b":3,"a":{"x":[1]}}`, "default"},
		"defaults into none":   {`{"properties":{"a":{"default":1},"b":{"default":2}}}`, `{ }`, `{"a":1,"b":2 }`, twice("default")},
		"drops what is not of": {`{"properties":{"s":{"enum":["a","b"],"x-on-unsupported":"drop"}}}`, `{"s":"c","t":1}`, `{"t":1}`, "enum"},
		"drops another type":   {`{"properties":{"s":{"type":["number","null"],"x-on-unsupported":"drop"}}}`, `{"s":"c"}`, `{}`, "type"},
		"integers are numbers": {`{"properties":{"s":{"type":"number","x-on-unsupported":"refuse"}}}`, `{"s":5}`, `{"s":5}`, ""},
		"unknown ones": {
			`{"properties":{"a":{}},"additionalProperties":false,"x-on-unsupported":"drop"}`,
			`{"model":"m","a":1,"b\"":2,"stream":true}`, `{"model":"m","a":1,"stream":true}`, "additionalProperties",
		},
		"within objects": {
			`{"properties":{"think":{"type":"object","properties":{"budget":{"maximum":10},"kind":{"default":"on"}}}}}`,
			`{"think": { "budget":99 }}`, `{"think": { "budget":10,"kind":"on" }}`, "maximum default",
		},
		"sizes":               {`{"properties":{"size":{"x-normalize":"size","enum":["1024x1024","1536x1024","1024x1536","auto"]}}}`, `{"size":"1920*1080"}`, `{"size":"1536x1024"}`, "x-normalize"},
		"sizes of one shape":  {`{"properties":{"size":{"x-normalize":"size","enum":["512x512","1024x1024"]}}}`, `{"size":"900x900"}`, `{"size":"1024x1024"}`, "x-normalize"},
		"sizes that are fine": {`{"properties":{"size":{"x-normalize":"size","enum":["auto"]}}}`, `{"size":"auto"}`, `{"size":"auto"}`, ""},
		"sizes as others write": {
			`{"properties":{"size":{"x-normalize":"size"}}}`, `{"size":"1024 × 768"}`, `{"size":"1024x768"}`, "x-normalize",
		},
		"ratios":              {`{"properties":{"r":{"x-normalize":"ratio","enum":["16:9","1:1","9:16"]}}}`, `{"r":"1920x1080"}`, `{"r":"16:9"}`, "x-normalize"},
		"ratios of a size":    {`{"properties":{"r":{"x-normalize":"ratio"}}}`, `{"r":"1920x1080"}`, `{"r":"16:9"}`, "x-normalize"},
		"ratios with a slash": {`{"properties":{"r":{"x-normalize":"ratio"}}}`, `{"r":"4/3"}`, `{"r":"4:3"}`, "x-normalize"},
		"durations":           {`{"properties":{"d":{"x-normalize":"duration","enum":[4,8,12]}}}`, `{"d":"6s"}`, `{"d":4}`, "x-normalize"},
		"durations as text":   {`{"properties":{"d":{"x-normalize":"duration","type":"string"}}}`, `{"d":5}`, `{"d":"5"}`, "x-normalize"},
		"durations clamped":   {`{"properties":{"d":{"x-normalize":"duration","maximum":10}}}`, `{"d":"1 min"}`, `{"d":10}`, "x-normalize maximum"},
		"no duration":         {`{"properties":{"d":{"x-normalize":"duration","enum":[4],"x-on-unsupported":"drop"}}}`, `{"d":"long"}`, `{}`, "enum"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, changes, err := compile(t, c.schema).Apply([]byte(c.body))
			var rules []string
			for _, ch := range changes {
				rules = append(rules, ch.Rule)
				if ch.Path == "" || ch.Reason == "" {
					t.Errorf("a change that says nothing: %+v", ch)
				}
			}
			if err != nil || string(got) != c.want || strings.Join(rules, " ") != c.rules {
				t.Errorf("got %s by %q (%v), want %s by %q", got, rules, err, c.want, c.rules)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for path, c := range map[string][2]string{
		"logprobs":      {`{"additionalProperties":false}`, `{"model":"m","logprobs":true}`},
		"s":             {`{"properties":{"s":{"enum":[1],"x-on-unsupported":"refuse"}}}`, `{"s":2}`},
		"think.budget":  {`{"properties":{"think":{"properties":{"budget":{"type":"integer","x-on-unsupported":"refuse"}}}}}`, `{"think":{"budget":"x"}}`},
		"think.unknown": {`{"properties":{"think":{"additionalProperties":false,"properties":{}}}}`, `{"think":{"unknown":1}}`},
	} {
		body := []byte(c[1])
		got, changes, err := compile(t, c[0]).Apply(body)
		var r *params.RefusalError
		if !errors.As(err, &r) || r.Path != path || r.Message == "" || string(got) != c[1] || changes != nil {
			t.Errorf("%s: %v, %s, %v", path, err, got, changes)
		}
	}
	if _, _, err := compile(t, `{"properties":{"a":{"x-drop":true}}}`).Apply([]byte(`[1]`)); !errors.Is(err, params.ErrBody) {
		t.Errorf("an array: %v", err)
	}
}

func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{`[]`, ""},
		{`{"type":"array"}`, "type"},
		{`{"propertys":{}}`, "propertys"},
		{`{"properties":{"a":{"x-renames":"b"}}}`, "properties.a.x-renames"},
		{`{"properties":{"a":{"x-rename":"a"}}}`, "properties.a.x-rename"},
		{`{"properties":{"a":{"x-rename":"b\"c"}}}`, "properties.a.x-rename"},
		{`{"properties":{"a":{"x-rename":"model"}}}`, "properties.a"},
		{`{"properties":{"model":{"x-drop":true}}}`, "properties.model"},
		{`{"properties":{"stream":{"default":true}}}`, "properties.stream"},
		{`{"properties":{"a":{"minimum":"1"}}}`, "properties.a.minimum"},
		{`{"properties":{"a":{"minimum":2,"maximum":1}}}`, "properties.a.minimum"},
		{`{"properties":{"a":{"enum":[]}}}`, "properties.a.enum"},
		{`{"properties":{"a":{"type":"text"}}}`, "properties.a.type"},
		{`{"properties":{"a":{"x-enum-map":{"b":[1]}}}}`, "properties.a.x-enum-map.b"},
		{`{"properties":{"a":{"x-normalize":"colour"}}}`, "properties.a.x-normalize"},
		{`{"properties":{"a":{"x-on-unsupported":"maybe"}}}`, "properties.a.x-on-unsupported"},
		{`{"properties":{"a":{"x-on-unsupported":"drop"}}}`, "properties.a.x-on-unsupported"},
		{`{"properties":{"a":{"maximum":1,"default":2}}}`, "properties.a.default"},
		{`{"properties":{"a":{"x-drop":true,"default":2}}}`, "properties.a.default"},
		{`{"properties":{"a":{"properties":{"b":{"type":7}}}}}`, "properties.a.properties.b.type"},
		{`{"additionalProperties":{}}`, "additionalProperties"},
	} {
		_, err := params.Compile([]byte(c[0]))
		var s *params.SchemaError
		if !errors.As(err, &s) || s.Path != c[1] || s.Message == "" {
			t.Errorf("%s: %v, want a fault at %q", c[0], err, c[1])
		}
	}
}

func TestChangesShowNoSecretsAndNoBulk(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"additionalProperties":false,"x-on-unsupported":"drop"}`)
	body := `{"api_key":"abc","authToken":"sk-12345678","image":"data:image/png;base64,AAAA","long":"` + strings.Repeat("é", 200) +
		`","tools":[{"secret":"hidden"}],"plain":7}`
	_, changes, err := s.Apply([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, c := range changes {
		shown[c.Path] = c.Before
	}
	if len(shown["long"]) > 100 || !strings.HasSuffix(shown["long"], "é…") {
		t.Errorf("long: %q", shown["long"])
	}
	delete(shown, "long")
	want := map[string]string{"api_key": "***", "authToken": "***", "image": "***", "tools": "(array of 21 bytes)", "plain": "7"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsAllocatedWhenNoRuleFires(t *testing.T) {
	s := compile(t, `{"properties":{"temperature":{"maximum":2},"size":{"enum":["a"]},"n":{"default":1},"o":{"properties":{"x":{"minimum":1}}}}}`)
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":1.5,"n":2,"o":{"x":5}}`)
	if n := testing.AllocsPerRun(100, func() {
		if got, changes, err := s.Apply(body); err != nil || changes != nil || &got[0] != &body[0] {
			t.Error("something changed")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	var none *params.Schema
	if got, _, err := none.Apply(body); err != nil || &got[0] != &body[0] || !none.IsEmpty() {
		t.Error("no schema changed something")
	}
}

const everything = `{"additionalProperties":false,"x-on-unsupported":"drop","properties":{
	"a":{"minimum":-1,"maximum":1},"b":{"x-drop":true},"c":{"x-rename":"renamed"},"d":{"default":4},
	"e":{"enum":["x","y"],"x-on-unsupported":"drop","x-enum-map":{"z":"x"}},"s":{"x-normalize":"size","enum":["1x1","2x3"]},
	"t":{"x-normalize":"duration","maximum":9},"r":{"x-normalize":"ratio"},"renamed":{},
	"o":{"properties":{"a":{"maximum":1},"b":{"default":true}},"additionalProperties":false,"x-on-unsupported":"drop"}}}`

// FuzzApply holds the result against what the rules promise, read by another reader.
func FuzzApply(f *testing.F) {
	s := compile(f, everything)
	f.Add([]byte(`{"a":5,"b":1,"c":2,"e":"z","s":"100x100","t":"5s","r":"1x2","o":{"a":3,"q":1},"zz":1}`))
	f.Add([]byte(` { "model" : "m" , "\u0061" : -7 ,"c":1,"renamed":2} `))
	f.Add([]byte(`{"b":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		got, changes, err := s.Apply(body)
		if string(body) != before {
			t.Fatal("the body was written to")
		}
		if !json.Valid(body) || err != nil {
			return
		}
		var out map[string]any
		if json.Unmarshal(got, &out) != nil {
			t.Fatalf("%q became %q", body, got)
		}
		if len(changes) == 0 && string(got) != before {
			t.Errorf("%q became %q and nobody was told", body, got)
		}
		if n, ok := out["a"].(float64); ok && (n < -1 || n > 1) {
			t.Errorf("a is %v", n)
		}
		if _, ok := out["d"]; !ok {
			t.Errorf("no default in %q", got)
		}
		for _, name := range []string{"b", "c", "unknown"} {
			if _, ok := out[name]; ok {
				t.Errorf("%s is left in %q", name, got)
			}
		}
		again, _, err := s.Apply(got)
		if err != nil || !json.Valid(again) {
			t.Errorf("a second time: %q, %v", again, err)
		}
	})
}
