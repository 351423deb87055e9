package inference_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
)

func TestTypesUseWhatTheyCanConsume(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   inference.ModelType
		uses []inference.Resource
		not  []inference.Resource
	}{
		{
			inference.TypeChat,
			[]inference.Resource{inference.TextInput, inference.TextReasoning, inference.Request, inference.Search},
			[]inference.Resource{inference.Image, inference.VideoSecond, inference.Characters, inference.TrainingStep},
		},
		{
			inference.TypeEmbedding,
			[]inference.Resource{inference.TextInput, inference.Request},
			[]inference.Resource{inference.TextOutput, inference.Image, inference.AudioSecond},
		},
		{inference.TypeVideo, []inference.Resource{inference.VideoSecond, inference.TextInput}, []inference.Resource{inference.Image}},
		{inference.TypeTTS, []inference.Resource{inference.Characters, inference.AudioSecond}, []inference.Resource{inference.VideoSecond}},
		{inference.TypeTraining, []inference.Resource{inference.TrainingStep, inference.Request}, []inference.Resource{inference.TextInput}},
	} {
		for _, r := range c.uses {
			if !c.of.Uses(r) {
				t.Errorf("%s does not use %s", c.of, r)
			}
		}
		for _, r := range c.not {
			if c.of.Uses(r) {
				t.Errorf("%s uses %s", c.of, r)
			}
		}
	}
}
