package azure

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the adapter needs. There is no default address: every customer has a resource of their own.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name: "azure", Title: "Azure OpenAI", Logo: "M11 3h5l-6 15 5 1 2-5 4 7H3l8-18z", AuthTypes: []string{authKey, authBearer, authEntra},
		Dialects: map[inference.Kind]inference.Dialect{
			inference.Chat: inference.OpenAI, inference.Responses: inference.OpenAI, inference.Embeddings: inference.OpenAI,
			inference.ImageGenerations: inference.OpenAI, inference.ImageEdits: inference.OpenAI, inference.Realtime: inference.OpenAI,
		},
		Credential: []provider.Field{
			{
				Name: "apiKey", Type: "secret", Label: text("API key or token", "API 密钥或令牌"),
				Help: text("A key of the resource, or, with the auth type bearer, a token of Microsoft Entra ID.",
					"资源的密钥;认证方式为 bearer 时填写 Microsoft Entra ID 令牌。"),
			},
			{
				Name: "clientSecret", Type: "secret", Label: text("Client secret", "客户端密码"),
				Help: text("Instead of a key: the secret of an application of Microsoft Entra ID that may use the resource.",
					"不使用密钥时:有权使用该资源的 Microsoft Entra ID 应用的客户端密码。"),
			},
		},
		Config: []provider.Field{
			{
				Name: "tenantId", Type: "text", Label: text("Tenant", "租户"),
				Help: text("With a client secret: the id of the tenant, or one of its domains.", "使用客户端密码时:租户 ID 或其域名。"),
			},
			{
				Name: "clientId", Type: "text", Label: text("Application", "应用"),
				Help: text("With a client secret: the id of the application.", "使用客户端密码时:应用(客户端)ID。"),
			},
			{
				Name: "scope", Type: "text", Label: text("Scope", "权限范围"),
				Help: text("With a client secret: what tokens are for. Empty is "+defaultScope+".", "使用客户端密码时:令牌的权限范围;留空为 "+defaultScope+"。"),
			},
			{
				Name: "tokenUrl", Type: "url", Label: text("Token endpoint", "令牌地址"),
				Help: text("With a client secret: where tokens are issued. Empty is Microsoft's.", "使用客户端密码时:令牌颁发地址;留空则使用 Microsoft 的地址。"),
			},
			{
				Name: "apiVersion", Type: "text", Label: text("API version", "API 版本"),
				Help: text("Empty uses the v1 form. A date, such as 2024-10-21, uses the form with deployments in the path.",
					"留空使用 v1 形式;填写日期(如 2024-10-21)则使用路径中带部署名的形式。"),
			},
			{
				Name: "maxTokensParam", Type: "select", Options: []string{"", "max_tokens", "max_completion_tokens"},
				Label: text("Output limit parameter", "输出上限参数"),
				Help:  text("Empty is what the API version knows.", "留空则按 API 版本选择。"),
			},
			{
				Name: "streamUsage", Type: "select", Options: []string{"", "true", "false"}, Label: text("Usage in streams", "流式用量"),
				Help: text("Empty is what the API version knows; old ones refuse stream_options.", "留空则按 API 版本选择;旧版本会拒绝 stream_options。"),
			},
		},
		Models: []string{"gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "text-embedding-3-small", "text-embedding-3-large"},
	}
}
