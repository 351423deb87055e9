package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/wiretest"
)

func decoded(t *testing.T, body string) *inference.Answer {
	t.Helper()
	a, err := gemini.Codec.DecodeAnswer([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return a
}

func candidate(parts, more string) string {
	return `{"candidates":[{"content":{"role":"model","parts":[` + parts + `]}` + more + `}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":3,"totalTokenCount":9},"responseId":"r","modelVersion":"v"}`
}

func TestAnswersOfGoogle(t *testing.T) {
	t.Parallel()
	a := decoded(t, candidate(`{"text":"think","thought":true},{"text":"a"},{"text":"b"},{"functionCall":{"name":"f","args":{"x":1}},"thoughtSignature":"QUJD"},{"functionCall":{"name":"f"}}`, `,"finishReason":"STOP"`))
	c := a.Candidates[0]
	if len(c.Parts) != 4 || c.Parts[0].Kind != inference.PartReasoning || c.Parts[1].Text != "ab" || c.Stop != inference.StopTools || a.ID != "r" || a.Model != "v" {
		t.Fatalf("%+v", a)
	}
	one, two := c.Parts[2], c.Parts[3]
	if one.Seal.Data != "QUJD" || one.Text != `{"x":1}` || two.Text != "{}" || one.Call.ID == two.Call.ID || !strings.HasPrefix(one.Call.ID, "call_") || len(one.Call.ID) > 64 {
		t.Errorf("%+v %+v", one.Call, two.Call)
	}
	if q := a.Usage.Quantities; q[inference.TextReasoning] != 3 || q[inference.TextOutput] != 2 || q[inference.TextInput] != 4 {
		t.Errorf("%v", q)
	}
}

func TestWhyAnswersEnd(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]inference.Stop{
		"STOP": inference.StopEnd, "MAX_TOKENS": inference.StopLength, "SAFETY": inference.StopRefusal, "RECITATION": inference.StopRefusal,
		"PROHIBITED_CONTENT": inference.StopRefusal, "SPII": inference.StopRefusal, "BLOCKLIST": inference.StopRefusal, "IMAGE_SAFETY": inference.StopRefusal,
		"SOMETHING_NEW": inference.StopEnd,
	} {
		if a := decoded(t, candidate(`{"text":"a"}`, `,"finishReason":"`+reason+`"`)); a.Candidates[0].Stop != want {
			t.Errorf("%s: %d", reason, a.Candidates[0].Stop)
		}
	}
	if a := decoded(t, `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}`); a.Candidates[0].Stop != inference.StopRefusal || !a.HasUsage {
		t.Errorf("a blocked prompt: %+v", a)
	}
	if a := decoded(t, `{"candidates":[{"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":4,"thoughtsTokenCount":9,"totalTokenCount":13}}`); a.Candidates[0].Stop != inference.StopLength || len(a.Candidates[0].Parts) != 0 {
		t.Errorf("no content: %+v", a)
	}
	for _, bad := range []string{candidate(``, `,"finishReason":"MALFORMED_FUNCTION_CALL"`), `{"error":{"code":500}}`, `{}`, `[]`, `x`} {
		if a, err := gemini.Codec.DecodeAnswer([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, a)
		}
	}
}

func TestPicturesCodeAndSources(t *testing.T) {
	t.Parallel()
	a := decoded(t, candidate(`{"text":"é is far"},{"inlineData":{"mimeType":"image/png","data":"QUJD"}},{"executableCode":{"language":"PYTHON","code":"1"}}`,
		`,"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"https://a","title":"A"}}],"groundingSupports":[{"segment":{"startIndex":0,"endIndex":2},"groundingChunkIndices":[0,7]}]}`))
	p := a.Candidates[0].Parts
	if p[1].Kind != inference.PartImage || p[1].Media.Data != "QUJD" || p[2].Kind != inference.PartOther {
		t.Errorf("%+v", p)
	}
	if len(p[0].Citations) != 1 || p[0].Citations[0].URL != "https://a" || p[0].Citations[0].End != 1 {
		t.Errorf("places are characters, not bytes: %+v", p[0].Citations)
	}
	if a.Usage.Quantities[inference.Search] != 1 {
		t.Errorf("%v", a.Usage.Quantities)
	}
	out, err := gemini.Codec.EncodeAnswer(a, nil)
	if err != nil || !strings.Contains(string(out), `"executableCode":{"language":"PYTHON","code":"1"}`) || !strings.Contains(string(out), `"groundingChunks":[{"web":{"uri":"https://a","title":"A"}}]`) {
		t.Errorf("%s, %v", out, err)
	}
}

func stream(t *testing.T, data ...string) ([]inference.Delta, error) {
	t.Helper()
	d := gemini.Codec.StreamDecoder()
	var out []inference.Delta
	var err error
	for _, event := range data {
		if out, err = d.Decode(out, nil, []byte(event)); err != nil {
			return out, err
		}
	}
	return d.Finish(out)
}

func TestStreamsOfGoogle(t *testing.T) {
	t.Parallel()
	deltas, err := stream(t, first, second,
		`{"candidates":[{"content":{"parts":[{"text":"so"},{"functionCall":{"name":"f","args":{"city":"Kyiv"}},"thoughtSignature":"QUJD"},{"functionCall":{"name":"g","args":{}}}]},"index":0}]}`,
		last, after)
	if err != nil {
		t.Fatal(err)
	}
	a := wiretest.Fold(deltas)
	c := a.Candidates[0]
	if len(c.Parts) != 6 || c.Stop != inference.StopTools {
		t.Fatalf("%+v", c)
	}
	for i, want := range []struct {
		kind inference.PartKind
		text string
	}{{inference.PartText, "Sun"}, {inference.PartReasoning, "think about it"}, {inference.PartText, "so"}, {inference.PartCall, `{"city":"Kyiv"}`}, {inference.PartCall, "{}"}, {inference.PartText, "ny"}} {
		if p := c.Parts[i]; p.Kind != want.kind || p.Text != want.text {
			t.Errorf("part %d: %+v", i, p)
		}
	}
	if c.Parts[3].Seal == nil || c.Parts[3].Seal.Data != "QUJD" || a.Usage.Quantities[inference.TextReasoning] != 4 {
		t.Errorf("%+v %v", c.Parts[3], a.Usage.Quantities)
	}
	if n := len(deltas); deltas[n-1].Kind != inference.DeltaEnd {
		t.Errorf("ends with %+v", deltas[n-1])
	}
}

func TestStreamsThatAreNotComplete(t *testing.T) {
	t.Parallel()
	for _, data := range [][]string{{}, {first}, {first, second}} {
		if _, err := stream(t, data...); !errors.Is(err, wire.ErrCut) {
			t.Errorf("%d events: %v", len(data), err)
		}
	}
	for _, bad := range []string{`x`, `[]`, `{"candidates":{}}`, `{"candidates":[{"index":99}]}`, `{"candidates":[{"content":{"parts":[{"text":1}]}}]}`} {
		if _, err := stream(t, bad); err == nil || errors.Is(err, wire.ErrCut) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	blocked, err := stream(t, `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}`)
	if a := wiretest.Fold(blocked); err != nil || a.Candidates[0].Stop != inference.StopRefusal {
		t.Errorf("%+v, %v", a, err)
	}
	for event, want := range map[string]inference.Category{
		`{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}`:           inference.Overloaded,
		`{"error":{"code":500,"status":"INTERNAL","message":"m"}}`:              inference.ServerError,
		`{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","index":0}]}`: inference.ServerError,
	} {
		d := gemini.Codec.StreamDecoder()
		out, err := d.Decode(nil, nil, []byte(event))
		if n := len(out); err != nil || n == 0 || out[n-1].Kind != inference.DeltaFailed || out[n-1].Failure.Category != want {
			t.Errorf("%s: %+v, %v", event, out, err)
		}
	}
}

// TestCallsAreStreamedWhole: arguments come in pieces from others, and go out at once, with the seal.
func TestCallsAreStreamedWhole(t *testing.T) {
	t.Parallel()
	e := gemini.Codec.StreamEncoder(nil)
	var out []byte
	for _, d := range []inference.Delta{
		{Kind: inference.DeltaBegin, ID: "r", Model: "m"},
		{Kind: inference.DeltaOpen, Part: inference.Part{Kind: inference.PartCall, Call: &inference.Call{ID: "a", Name: "f"}}},
		{Kind: inference.DeltaFragment, Text: `{"ci`},
		{Kind: inference.DeltaFragment, Text: `ty":"Kyiv"}`},
		{Kind: inference.DeltaSeal, Text: "QUJD", Dialect: inference.Gemini},
	} {
		if out = e.Append(out, &d); len(out) > 0 {
			t.Fatalf("a call in pieces: %s", out)
		}
	}
	out = e.Append(out, &inference.Delta{Kind: inference.DeltaClose})
	if want := `data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f","args":{"city":"Kyiv"}},"thoughtSignature":"QUJD"}],"role":"model"},"index":0}],"modelVersion":"m","responseId":"r"}` + "\n\n"; string(out) != want {
		t.Errorf("got %s", out)
	}
	out = e.Append(nil, &inference.Delta{Kind: inference.DeltaFinish, Stop: inference.StopTools})
	out = e.Append(out, &inference.Delta{Kind: inference.DeltaUsage, Usage: inference.Usage{Quantities: quantities{inference.TextInput: 4, inference.TextReasoning: 3, inference.AudioInput: 2}}})
	out = e.Append(out, &inference.Delta{Kind: inference.DeltaEnd})
	if !strings.Contains(string(out), `"finishReason":"STOP"`) || !strings.Contains(string(out), `"promptTokenCount":6,"candidatesTokenCount":0,"thoughtsTokenCount":3,"totalTokenCount":9,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":2}]`) {
		t.Errorf("got %s", out)
	}
}

func FuzzCodec(f *testing.F) {
	f.Add([]byte(`{"contents":[{"parts":[{"text":"a"},{"functionResponse":{"name":"f","response":{"result":[]}}}]}],"generationConfig":{"seed":1e9},"tools":[{"googleSearch":{}}]}`))
	f.Add([]byte(candidate(`{"text":"a","thoughtSignature":"QUJD"},{"functionCall":{"name":"f","args":{}}}`, `,"finishReason":"STOP"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := gemini.Codec.DecodeRequest(body); err == nil {
			p.Model = "gemini-2.0-flash"
			l := wire.Losses{Policy: wire.DropLosses}
			if out, err := gemini.Codec.EncodeRequest(p, wire.EncodeOptions{}, &l); err == nil && !json.Valid(out) {
				t.Errorf("%s became %s", body, out)
			}
		}
		if a, err := gemini.Codec.DecodeAnswer(body); err == nil {
			out, err := gemini.Codec.EncodeAnswer(a, nil)
			if err != nil || !json.Valid(out) {
				t.Errorf("%s became %s, %v", body, out, err)
			}
		}
		d, e := gemini.Codec.StreamDecoder(), gemini.Codec.StreamEncoder(nil)
		deltas, _ := d.Decode(nil, nil, body)
		deltas, _ = d.Finish(deltas)
		var out []byte
		for i := range deltas {
			out = e.Append(out, &deltas[i])
		}
		for line := range strings.Lines(string(out)) {
			if data, ok := strings.CutPrefix(line, "data: "); ok && !json.Valid([]byte(data)) {
				t.Errorf("%s became %s", body, out)
			}
		}
	})
}
