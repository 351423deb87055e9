package gemini_test

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
)

type quantities = inference.Quantities

func TestUsageIsDisjointAndSumsToTheTotal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, usage string
		want        quantities
	}{
		{
			"plain", `{"promptTokenCount":40,"candidatesTokenCount":12,"totalTokenCount":52}`,
			quantities{inference.TextInput: 40, inference.TextOutput: 12},
		},
		{
			"thoughts are apart", `{"promptTokenCount":40,"candidatesTokenCount":12,"thoughtsTokenCount":55,"totalTokenCount":107}`,
			quantities{inference.TextInput: 40, inference.TextOutput: 12, inference.TextReasoning: 55},
		},
		{
			"thoughts are within", `{"promptTokenCount":40,"candidatesTokenCount":67,"thoughtsTokenCount":55,"totalTokenCount":107}`,
			quantities{inference.TextInput: 40, inference.TextOutput: 12, inference.TextReasoning: 55},
		},
		{
			"thoughts are not told", `{"promptTokenCount":40,"candidatesTokenCount":12,"totalTokenCount":107}`,
			quantities{inference.TextInput: 40, inference.TextOutput: 12, inference.TextReasoning: 55},
		},
		{
			"cached is within the prompt", `{"promptTokenCount":40,"cachedContentTokenCount":30,"candidatesTokenCount":12,"totalTokenCount":52}`,
			quantities{inference.TextInput: 10, inference.TextInputCached: 30, inference.TextOutput: 12},
		},
		{
			"input of tools is apart", `{"promptTokenCount":40,"toolUsePromptTokenCount":100,"candidatesTokenCount":12,"totalTokenCount":152}`,
			quantities{inference.TextInput: 140, inference.TextOutput: 12},
		},
		{
			"input of tools is within", `{"promptTokenCount":140,"toolUsePromptTokenCount":100,"candidatesTokenCount":12,"totalTokenCount":152}`,
			quantities{inference.TextInput: 140, inference.TextOutput: 12},
		},
		{
			"modalities", `{"promptTokenCount":300,"cachedContentTokenCount":150,"candidatesTokenCount":1300,"totalTokenCount":1600,
				"promptTokensDetails":[{"modality":"TEXT","tokenCount":40},{"modality":"IMAGE","tokenCount":160},{"modality":"AUDIO","tokenCount":100}],
				"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":90},{"modality":"IMAGE","tokenCount":60}],
				"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]}`,
			quantities{inference.TextInput: 40, inference.TextInputCached: 150, inference.AudioInput: 10, inference.ImageInput: 100, inference.TextOutput: 10, inference.ImageOutput: 1290},
		},
		{
			"speech and film", `{"promptTokenCount":300,"candidatesTokenCount":64,"totalTokenCount":364,
				"promptTokensDetails":[{"modality":"VIDEO","tokenCount":258},{"modality":"DOCUMENT","tokenCount":42}],
				"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":64}]}`,
			quantities{inference.TextInput: 42, inference.ImageInput: 258, inference.AudioOutput: 64},
		},
		{
			"a refused prompt", `{"promptTokenCount":40,"totalTokenCount":40}`,
			quantities{inference.TextInput: 40},
		},
		{
			"no total", `{"promptTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":6}`,
			quantities{inference.TextInput: 4, inference.TextOutput: 5, inference.TextReasoning: 6},
		},
	} {
		u, ok := gemini.Usage([]byte(c.usage))
		if !ok || u.Quantities != c.want {
			t.Errorf("%s: %v, %v", c.name, u.Quantities, ok)
		}
		checkSum(t, []byte(c.usage), u)
	}
}

// checkSum compares the sum of all lines with the provider's total, where there is one.
func checkSum(t *testing.T, usage []byte, u inference.Usage) {
	t.Helper()
	var told struct {
		TotalTokenCount int64 `json:"totalTokenCount"`
	}
	if json.Unmarshal(usage, &told) == nil && told.TotalTokenCount > 0 && u.InputTokens()+u.OutputTokens() != told.TotalTokenCount {
		t.Errorf("%s: %d in and %d out are not the total", usage, u.InputTokens(), u.OutputTokens())
	}
}

func TestUsageThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{
		``, `null`, `{}`, `{"totalTokenCount":0}`, `{"promptTokenCount":-1,"candidatesTokenCount":3}`,
		`{"promptTokenCount":1.5,"candidatesTokenCount":3}`, `{"promptTokenCount":"4","candidatesTokenCount":3}`,
		`{"promptTokenCount":10,"cachedContentTokenCount":11}`, `{"promptTokenCount":10,"candidatesTokenCount":1,"totalTokenCount":9}`,
		`{"promptTokenCount":1000000001}`, `{"promptTokenCount":5,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":-5}]}`,
	} {
		if u, ok := gemini.Usage([]byte(usage)); ok {
			t.Errorf("%s: %v", usage, u.Quantities)
		}
	}
}

func FuzzUsage(f *testing.F) {
	f.Add([]byte(`{"promptTokenCount":40,"cachedContentTokenCount":3,"candidatesTokenCount":12,"thoughtsTokenCount":55,"totalTokenCount":107,"toolUsePromptTokenCount":3,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":9}]}`))
	f.Add([]byte(`{"promptTokenCount":140,"toolUsePromptTokenCount":100,"candidatesTokenCount":12,"totalTokenCount":152}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		u, ok := gemini.Usage(object)
		if !ok {
			return
		}
		for r, n := range u.Quantities {
			if n < 0 {
				t.Errorf("%s: %d of %s", object, n, inference.Resource(r))
			}
		}
		checkSum(t, object, u)
	})
}
