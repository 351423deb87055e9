package simulation

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// Describe tells that nothing is needed.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name:      "simulation",
		Title:     "Simulation",
		Logo:      "M9 2h6v2h-1v5.2l5.6 9.7A2 2 0 0117.9 22H6.1a2 2 0 01-1.7-3.1L10 9.2V4H9V2zm3 8l-2.9 5h5.8L12 10z",
		AuthTypes: []string{"none"},
		Dialects: map[inference.Kind]inference.Dialect{
			inference.Chat: inference.OpenAI, inference.Responses: inference.OpenAI, inference.Embeddings: inference.OpenAI,
			inference.ImageGenerations: inference.OpenAI, inference.ImageEdits: inference.OpenAI,
			inference.VideoGenerations: inference.OpenAI, inference.ImageVariations: inference.OpenAI,
			inference.Completions: inference.OpenAI, inference.Speech: inference.OpenAI, inference.Transcriptions: inference.OpenAI,
			inference.Translations: inference.OpenAI, inference.Moderations: inference.OpenAI, inference.Rerank: inference.OpenAI,
			inference.Realtime: inference.OpenAI,
		},
		Config: []provider.Field{{
			Name: "tokensPerSecond", Type: "number",
			Label: map[string]string{"en": "Tokens per second", "zh": "每秒令牌数"},
			Help: map[string]string{
				"en": "The pace of streams; 0 means as fast as they are read. Empty takes the installation's setting.",
				"zh": "流式输出的速度;0 表示不限速。留空则使用系统设置。",
			},
		}},
		Models:    models(),
		Simulated: true,
	}
}
