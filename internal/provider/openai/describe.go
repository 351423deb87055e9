package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name:           "openai",
		Title:          "OpenAI & compatible",
		Logo:           "M12 2l8.7 5v10L12 22l-8.7-5V7L12 2zm0 2.3L5.3 8.2v7.6l6.7 3.9 6.7-3.9V8.2L12 4.3zm0 3.7a4 4 0 110 8 4 4 0 010-8z",
		DefaultBaseURL: defaultBaseURL,
		AuthTypes:      []string{authBearer, authHeader, authNone},
		Dialects: map[inference.Kind]inference.Dialect{
			inference.Chat: inference.OpenAI, inference.Responses: inference.OpenAI, inference.Embeddings: inference.OpenAI,
			inference.ImageGenerations: inference.OpenAI, inference.ImageEdits: inference.OpenAI,
			inference.VideoGenerations: inference.OpenAI, inference.ImageVariations: inference.OpenAI,
			inference.Completions: inference.OpenAI, inference.Speech: inference.OpenAI, inference.Transcriptions: inference.OpenAI,
			inference.Translations: inference.OpenAI, inference.Moderations: inference.OpenAI, inference.Rerank: inference.OpenAI,
			inference.Realtime: inference.OpenAI,
		},
		Credential: []provider.Field{{
			Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"),
			Help: text("The key of the upstream account; not needed with the auth type none.", "上游账号的密钥;认证方式为 none 时无需填写。"),
		}},
		Config: configFields,
		Models: []string{
			"gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "o3", "o4-mini",
			"text-embedding-3-small", "text-embedding-3-large", "gpt-image-1", "sora-2",
			"gpt-4o-mini-tts", "tts-1", "gpt-4o-transcribe", "whisper-1", "omni-moderation-latest",
			"gpt-realtime", "gpt-realtime-mini",
		},
	}
}

var configFields = []provider.Field{
	{
		Name: "organization", Type: "text", Label: text("Organization", "组织"),
		Help: text("Sent as OpenAI-Organization.", "作为 OpenAI-Organization 请求头发送。"),
	},
	{
		Name: "project", Type: "text", Label: text("Project", "项目"),
		Help: text("Sent as OpenAI-Project.", "作为 OpenAI-Project 请求头发送。"),
	},
	{
		Name: "authHeader", Type: "text", Default: "api-key", Label: text("Key header", "密钥请求头"),
		Help: text("The header that holds the key when the auth type is header.", "认证方式为 header 时携带密钥的请求头。"),
	},
	{
		Name: "maxTokensParam", Type: "select", Options: []string{"", "max_tokens", "max_completion_tokens"},
		Label: text("Output limit parameter", "输出上限参数"),
		Help: text("Empty chooses by address: OpenAI itself wants max_completion_tokens, others max_tokens.",
			"留空则按地址选择:OpenAI 官方使用 max_completion_tokens,其他使用 max_tokens。"),
	},
	{
		Name: "streamUsage", Type: "bool", Default: "true", Label: text("Usage in streams", "流式用量"),
		Help: text("The upstream tells the usage of a stream when asked. Switch off if it refuses stream_options.",
			"上游可在流式响应中返回用量。若上游拒绝 stream_options,请关闭。"),
	},
}
