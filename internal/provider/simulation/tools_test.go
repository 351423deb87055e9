package simulation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
)

const tools = `,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{
	"city":{"type":"string"},"unit":{"type":"string","enum":["celsius","fahrenheit"]},"days":{"type":"integer","minimum":1,"maximum":3}},"required":["city"]}}},
	{"type":"function","function":{"name":"get_time","parameters":{"type":"object","properties":{"zone":{"type":"string"}}}}},
	{"type":"function","function":{"name":"noop"}}]`

func asked(text, more string) string {
	return `{"model":"sim-chat","messages":[{"role":"user","content":` + quote(text) + `}]` + tools + more + `}`
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, more string
		want             []string
	}{
		{"mentioned", "What is the weather in Kyiv, in fahrenheit?", "", []string{"get_weather"}},
		{"two", "weather and time in Kyiv", "", []string{"get_weather", "get_time"}},
		{"not in parallel", "weather and time in Kyiv", `,"parallel_tool_calls":false`, []string{"get_weather"}},
		{"not spoken of", "hello", "", nil},
		{"none", "weather", `,"tool_choice":"none"`, nil},
		{"required", "hello", `,"tool_choice":"required"`, []string{"get_weather"}},
		{"forced", "weather", `,"tool_choice":{"type":"function","function":{"name":"noop"}}`, []string{"noop"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := answer(t, request(inference.Chat, asked(c.text, c.more), ""))
			var got []string
			args := ""
			for _, tc := range w.Choices[0].Message.ToolCalls {
				got = append(got, tc.Function.Name)
				args += tc.Function.Arguments
				if !json.Valid([]byte(tc.Function.Arguments)) || tc.ID == "" {
					t.Errorf("call %+v", tc)
				}
			}
			if !slices.Equal(got, c.want) || (len(got) > 0) != (w.Choices[0].FinishReason == "tool_calls") {
				t.Errorf("got %v, finish %s", got, w.Choices[0].FinishReason)
			}
			if c.name == "mentioned" && !strings.Contains(args, `"unit":"fahrenheit"`) {
				t.Errorf("arguments %s", args)
			}
			_, stream, _ := send(t, request(inference.Chat, asked(c.text, c.more+streamed), ""))
			if h := hear(t, stream); h.args != args || *h.usage != *w.Usage {
				t.Errorf("streamed %+v, whole %+v", h, w)
			}
		})
	}
}

func TestAToolsAnswerIsReported(t *testing.T) {
	t.Parallel()
	w := answer(t, request(inference.Chat, `{"model":"sim-chat","messages":[{"role":"user","content":"weather"},{"role":"assistant","content":null,
		"tool_calls":[{"id":"a","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"21 degrees"}]`+tools+`}`, ""))
	if c := w.Choices[0]; len(c.Message.ToolCalls) > 0 || !strings.Contains(c.Message.Content, "21 degrees") {
		t.Errorf("got %+v", c)
	}
}

var schemas = []string{
	`{"type":"object","properties":{"name":{"type":"string","minLength":30},"age":{"type":"integer","minimum":18,"maximum":20},"tags":{"type":"array","items":{"type":"string"},"minItems":3,"maxItems":4}},"required":["name","age","tags"],"additionalProperties":false}`,
	`{"type":"object","properties":{"kind":{"type":"string","enum":["a","b"]},"score":{"type":"number","minimum":0,"exclusiveMaximum":true,"maximum":1},"ok":{"type":"boolean"},"none":{"type":"string","nullable":true}},"required":["kind","score","ok"]}`,
	`{"type":"object","properties":{"when":{"type":"string","format":"date-time"},"id":{"type":"string","format":"uuid"},"n":{"type":"integer","multipleOf":5,"minimum":7}},"required":["when","id","n"]}`,
	`{"anyOf":[{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]},{"type":"object","properties":{"y":{"type":"string","maxLength":3}},"required":["y"]}]}`,
	`{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"type":"object","properties":{"b":{"type":"array","items":{"type":"integer"},"uniqueItems":true}},"required":["b"]}]}`,
}

// Another implementation judges what the schemas allow.
func TestExamplesObeyTheirSchema(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(schemas).Draw(t, "schema")
		s, ok := parseSchema(json.RawMessage(strings.Replace(text, `"exclusiveMaximum":true,"maximum":1`, `"exclusiveMaximum":1`, 1)))
		if !ok {
			t.Fatal(text)
		}
		w := newWriter(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), rapid.String().Draw(t, "prompt"))
		made := compact(s.example(w))
		var judge openapi3.Schema
		if err := json.Unmarshal([]byte(text), &judge); err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal([]byte(made), &value); err != nil {
			t.Fatal(err)
		}
		if err := judge.VisitJSON(value); err != nil {
			t.Errorf("%s\nmade %s\n%v", text, made, err)
		}
	})
}

func TestSchemasThatContainThemselvesEnd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/node"}`,
		`{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}}}`,
		`{"$ref":"#"}`, `{"$ref":"#/nowhere"}`, `{"allOf":[{"$ref":"#"}]}`, `{"type":["null"]}`, `{"type":7,"enum":[]}`,
	} {
		s, ok := parseSchema(json.RawMessage(text))
		if made := compact(s.example(newWriter(rand.New(rand.NewPCG(1, 1)), ""))); !ok || !json.Valid([]byte(made)) {
			t.Errorf("%s made %s", text, made)
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, s := range schemas {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, _ := parseSchema(text)
		if made := compact(s.example(newWriter(rand.New(rand.NewPCG(1, 1)), "bridges"))); !json.Valid([]byte(made)) {
			t.Errorf("%s made %s", text, made)
		}
	})
}

func TestStructuredAnswers(t *testing.T) {
	t.Parallel()
	w := answer(t, chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":`+schemas[0]+`}}`, ""))
	var got struct {
		Name string   `json:"name"`
		Age  int      `json:"age"`
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal([]byte(w.Choices[0].Message.Content), &got); err != nil || got.Age < 18 || len(got.Tags) != 3 || len(got.Name) < 30 {
		t.Errorf("%s: %v", w.Choices[0].Message.Content, err)
	}
	w = answer(t, request(inference.Chat, `{"model":"sim-chat","messages":[{"role":"user","content":"bridges as JSON"}],"response_format":{"type":"json_object"}}`, ""))
	if text := w.Choices[0].Message.Content; !json.Valid([]byte(text)) || text[0] != '{' {
		t.Error(text)
	}
}

func TestTokensAreTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if got := strings.Join(cut(text), ""); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
	for text, want := range map[string]string{
		"Hello there, internationalization!": "Hello| there|,| intern|ationa|lizati|on|!", "你好 ok": "你|好| ok", "": "", " a": " a",
	} {
		if got := strings.Join(cut(text), "|"); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func embed(t *testing.T, body string) (vectors [][]float64, tokens int) {
	t.Helper()
	_, text, err := send(t, request(inference.Embeddings, body, ""))
	var got struct {
		Data []struct {
			Embedding []float64 `json:"embedding"`
		} `json:"data"`
		Usage usage `json:"usage"`
	}
	if err != nil || json.Unmarshal([]byte(text), &got) != nil || got.Usage.PromptTokens != got.Usage.TotalTokens {
		t.Fatalf("%s: %v", text, err)
	}
	for _, d := range got.Data {
		vectors = append(vectors, d.Embedding)
	}
	return vectors, got.Usage.TotalTokens
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	v, tokens := embed(t, `{"model":"sim-embed","input":["a bridge over the river","a bridge over a river","quarterly tax report"],"dimensions":256}`)
	if len(v) != 3 || len(v[0]) != 256 || tokens != 5+5+4 {
		t.Fatalf("%d vectors, %d tokens", len(v), tokens)
	}
	if n := dot(v[0], v[0]); math.Abs(n-1) > 1e-5 {
		t.Errorf("length %v", n)
	}
	if near, far := dot(v[0], v[1]), dot(v[0], v[2]); near < 0.5 || far > near/2 {
		t.Errorf("alike %v, different %v", near, far)
	}
	v, tokens = embed(t, `{"model":"sim-embed","input":[1,2,3]}`)
	if len(v) != 1 || len(v[0]) != defaultDimensions || tokens != 3 {
		t.Errorf("%d vectors of %d, %d tokens", len(v), len(v[0]), tokens)
	}
	if v, tokens = embed(t, `{"model":"sim-embed","input":[[1,2],[3]],"dimensions":4}`); len(v) != 2 || tokens != 3 {
		t.Errorf("%d vectors, %d tokens", len(v), tokens)
	}
}

func TestEmbeddingsInBase64AreTheSame(t *testing.T) {
	t.Parallel()
	v, _ := embed(t, `{"model":"sim-embed","input":"bridge","dimensions":8}`)
	_, text, _ := send(t, request(inference.Embeddings, `{"model":"sim-embed","input":"bridge","dimensions":8,"encoding_format":"base64"}`, ""))
	var got struct {
		Data []struct {
			Embedding string `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(got.Data[0].Embedding)
	if err != nil || len(raw) != 32 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	for i := range v[0] {
		if f := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); math.Abs(float64(f)-v[0][i]) > 1e-6 {
			t.Errorf("dimension %d: %v, want %v", i, f, v[0][i])
		}
	}
}
