package anthropic

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name:           "anthropic",
		Title:          "Anthropic & compatible",
		Logo:           "M13.8 4h3.4L23 20h-3.3L13.8 4zM6.9 4h3.5l5.8 16h-3.4l-1.2-3.4H5.6L4.4 20H1L6.9 4zm3.7 9.8L8.6 8.2l-2 5.6h4z",
		DefaultBaseURL: defaultBaseURL,
		AuthTypes:      []string{authHeader, authBearer, authNone},
		Dialects:       map[inference.Kind]inference.Dialect{inference.Messages: inference.Anthropic},
		Credential: []provider.Field{{
			Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"),
			Help: text("Sent as x-api-key, or as a bearer token with the auth type bearer; not needed with none.",
				"以 x-api-key 发送;认证方式为 bearer 时作为令牌发送;为 none 时无需填写。"),
		}},
		Config: configFields,
		Models: []string{"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1-20250805"},
	}
}

var configFields = []provider.Field{
	{
		Name: "version", Type: "text", Label: text("Version", "协议版本"),
		Help: text("The anthropic-version that is always sent. Empty sends the caller's, else 2023-06-01.",
			"始终发送的 anthropic-version。留空则发送调用方的版本,没有则为 2023-06-01。"),
	},
	{
		Name: "betas", Type: "text", Label: text("Betas", "Beta 功能"),
		Help: text("Values of anthropic-beta that callers may use, with commas between; * allows all. Empty allows those without a price or an account of their own.",
			"允许调用方使用的 anthropic-beta 值,以逗号分隔;* 表示全部。留空则只允许不单独计价、不涉及账号数据的功能。"),
	},
	{
		Name: "countTokens", Type: "bool", Default: "true", Label: text("Counts tokens", "支持计数"),
		Help: text("The upstream counts tokens at /v1/messages/count_tokens. Switched off, they are counted here and marked as estimated.",
			"上游提供 /v1/messages/count_tokens。关闭后由本地计数并标记为估算。"),
	},
}
