package bedrock

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	d := described("bedrock", "AWS Bedrock")
	d.Dialects = map[inference.Kind]inference.Dialect{inference.Chat: inference.Bedrock}
	d.Models = []string{
		"us.amazon.nova-pro-v1:0", "us.amazon.nova-lite-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
		"us.meta.llama3-3-70b-instruct-v1:0", "us.deepseek.r1-v1:0",
	}
	return d
}

// Describe tells what the adapter needs.
func (Claude) Describe() provider.Description {
	d := described("bedrock-claude", "Claude on AWS Bedrock")
	d.Dialects = map[inference.Kind]inference.Dialect{inference.Messages: inference.Anthropic}
	d.Models = []string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0",
		"us.anthropic.claude-opus-4-1-20250805-v1:0",
	}
	return d
}

func described(name, title string) provider.Description {
	return provider.Description{
		Name: name, Title: title, Logo: "M12 2l9 5v10l-9 5-9-5V7l9-5zm0 3L6 8.3v7.4l6 3.3 6-3.3V8.3L12 5zm0 3l4 2.2v3.6L12 16l-4-2.2v-3.6L12 8z",
		DefaultBaseURL: defaultBaseURL, AuthTypes: []string{authSigned, authBearer},
		Credential: []provider.Field{
			{
				Name: "accessKey", Type: "secret", Label: text("Access key", "访问密钥 ID"),
				Help: text("The id of an access key, with the auth type sigv4.", "认证方式为 sigv4 时的访问密钥 ID。"),
			},
			{
				Name: "secretKey", Type: "secret", Label: text("Secret key", "私有访问密钥"),
				Help: text("Signs requests; it is never sent.", "仅用于签名,不会发送。"),
			},
			{
				Name: "sessionToken", Type: "secret", Label: text("Session token", "会话令牌"),
				Help: text("Only with temporary credentials.", "仅临时凭证需要。"),
			},
			{
				Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"),
				Help: text("A Bedrock API key, with the auth type bearer.", "认证方式为 bearer 时的 Bedrock API 密钥。"),
			},
		},
		Config: []provider.Field{
			{
				Name: "region", Type: "text", Label: text("Region", "区域"),
				Help: text("Empty reads it from the base URL.", "留空则从接口地址读取。"),
			},
			{
				Name: "controlUrl", Type: "url", Label: text("Control plane", "控制面地址"),
				Help: text("Where models are listed. Empty reads it from the base URL.", "用于列出模型;留空则从接口地址推导。"),
			},
		},
	}
}
