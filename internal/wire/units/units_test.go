package units_test

import (
	"slices"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/units"
)

// prices has a price for the given resources.
func prices(priced ...inference.Resource) func(inference.Resource) bool {
	return func(r inference.Resource) bool { return slices.Contains(priced, r) }
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  inference.Kind
		body  string
		price []inference.Resource
		want  inference.Quantities
	}{
		"images": {
			inference.ImageGenerations, `{"model":"m","prompt":"a cat","n":3}`,
			[]inference.Resource{inference.Image, inference.TextInput},
			inference.Quantities{inference.Image: 3},
		},
		"images by tokens": {
			inference.ImageGenerations, `{"model":"m","prompt":"four words of text","quality":"high","size":"1024x1536"}`,
			[]inference.Resource{inference.ImageOutput},
			inference.Quantities{inference.ImageOutput: 6240, inference.TextInput: 5},
		},
		"an edit by tokens": {
			inference.ImageEdits, `{"model":"m","image":["data:a","data:b"]}`,
			[]inference.Resource{inference.ImageOutput},
			inference.Quantities{inference.ImageOutput: 1056, inference.ImageInput: 6000},
		},
		"no price": {inference.ImageEdits, `{"model":"m"}`, nil, inference.Quantities{inference.Image: 1}},
		"a video":  {inference.VideoGenerations, `{"model":"m","seconds":"8"}`, nil, inference.Quantities{inference.VideoSecond: 8}},
		"begun":    {inference.VideoGenerations, `{"model":"m","duration":2.1,"n":2}`, nil, inference.Quantities{inference.VideoSecond: 6}},
		"with s":   {inference.VideoGenerations, `{"model":"m","duration":"10s"}`, nil, inference.Quantities{inference.VideoSecond: 10}},
		"unsaid":   {inference.VideoGenerations, `{"model":"m"}`, nil, inference.Quantities{inference.VideoSecond: 5}},
		"speech": {
			inference.Speech, `{"model":"m","input":"héllo"}`,
			[]inference.Resource{inference.Characters, inference.AudioSecond},
			inference.Quantities{inference.Characters: 5},
		},
		"speech by seconds": {
			inference.Speech, `{"model":"m","input":"sixteen letters."}`,
			[]inference.Resource{inference.AudioSecond},
			inference.Quantities{inference.AudioSecond: 2},
		},
		"speech by tokens": {
			inference.Speech, `{"model":"m","input":"sixteen letters."}`, nil,
			inference.Quantities{inference.TextInput: 4, inference.AudioOutput: 50},
		},
		"transcription": {
			inference.Transcriptions, `{"model":"m","seconds":61.5}`,
			[]inference.Resource{inference.AudioSecond},
			inference.Quantities{inference.AudioSecond: 62},
		},
		"transcription by tokens": {
			inference.Transcriptions, `{"model":"m","seconds":10}`,
			[]inference.Resource{inference.AudioInput},
			inference.Quantities{inference.AudioInput: 250, inference.TextOutput: 37},
		},
		"rerank": {
			inference.Rerank, `{"model":"m","query":"q","documents":["a",{"text":"b"}]}`,
			[]inference.Resource{inference.Search},
			inference.Quantities{inference.Search: 1},
		},
		"rerank by tokens": {
			inference.Rerank, `{"model":"m","query":"four","documents":["four","four"]}`, nil,
			inference.Quantities{inference.TextInput: 4},
		},
		"moderation": {inference.Moderations, `{"model":"m","input":["four","four"]}`, nil, inference.Quantities{inference.TextInput: 2}},
		"a response": {
			inference.Responses, `{"model":"m","instructions":"four","input":[{"content":[{"text":"four"}]}],"max_output_tokens":7}`, nil,
			inference.Quantities{inference.TextInput: 2, inference.TextOutput: 7},
		},
		"an unbounded response": {
			inference.Responses, `{"model":"m","input":"four"}`, nil,
			inference.Quantities{inference.TextInput: 1, inference.TextOutput: 600},
		},
	} {
		a, err := units.Read(c.kind, []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		u, err := a.Usage(prices(c.price...), 600)
		if err != nil || u.Quantities != c.want || !u.Estimated {
			t.Errorf("%s: %v, want %v (%v)", name, u.Quantities, c.want, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for body, path := range map[string]string{
		`{}`:                             "model",
		`{"model":5}`:                    "model",
		`{"model":"m","n":0}`:            "n",
		`{"model":"m","n":-1}`:           "n",
		`{"model":"m","n":1e3}`:          "n",
		`{"model":"m","n":1001}`:         "n",
		`{"model":"m","n":1.5}`:          "n",
		`{"model":"m","n":[1]}`:          "n",
		`{"model":"m","duration":"x"}`:   "duration",
		`{"model":"m","seconds":86401}`:  "seconds",
		`{"model":"m","size":"0x5"}`:     "size",
		`{"model":"m","size":"axb"}`:     "size",
		`{"model":"m","quality":{}}`:     "quality",
		`{"model":"m","max_tokens":"-"}`: "max_tokens",
	} {
		_, err := units.Read(inference.ImageGenerations, []byte(body))
		if f := fault.From(err); f == nil || f.Code != fault.ErrInvalid.Code || f.Path != path {
			t.Errorf("%s: %v, want a fault at %s", body, err, path)
		}
	}
	a, err := units.Read(inference.Transcriptions, []byte(`{"model":"m"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Usage(prices(inference.AudioSecond), 0); fault.From(err) == nil || fault.From(err).Path != "seconds" {
		t.Errorf("a recording of unknown length: %v", err)
	}
}

func TestDimensions(t *testing.T) {
	t.Parallel()
	got := units.Dimensions([]byte(
		`{"model":"m","size":"1280x720","seconds":"8","audio":true,"fps":24,"prompt":null,"images":["x"]}`))
	for name, want := range map[string]string{
		"size": "1280x720", "resolution": "720p", "seconds": "8", "duration": "8", "audio": "true", "fps": "24", "images": "", "prompt": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if units.Dimensions([]byte(`[]`)) != nil {
		t.Error("a list has parameters")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"model":"m","n":2,"size":"1024x1024","duration":"5s","messages":[{"content":"x"}],"image":["a"]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []inference.Kind{inference.Chat, inference.ImageEdits, inference.Speech, inference.Rerank} {
			a, err := units.Read(kind, []byte(body))
			if err != nil {
				continue
			}
			u, err := a.Usage(func(inference.Resource) bool { return false }, 0)
			for r, q := range u.Quantities {
				if q < 0 || err != nil {
					t.Fatalf("%s: %d of %v, %v", body, q, inference.Resource(r), err)
				}
			}
		}
	})
}
