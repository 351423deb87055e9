package gemini

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Logo is Google's star for its models, drawn in a 24×24 box.
const Logo = "M12 2c.9 5.3 4.7 9.1 10 10-5.3.9-9.1 4.7-10 10-.9-5.3-4.7-9.1-10-10 5.3-.9 9.1-4.7 10-10z"

// Models are names to suggest.
var Models = []string{
	"gemini-3.1-pro-preview", "gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite",
	"gemini-2.5-flash-image", "gemini-embedding-001",
}

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name:           "gemini",
		Title:          "Google Gemini",
		Logo:           Logo,
		DefaultBaseURL: defaultBaseURL,
		AuthTypes:      []string{authKey, authBearer},
		Dialects: map[inference.Kind]inference.Dialect{
			inference.GenerateContent: inference.Gemini, inference.Embeddings: inference.Gemini,
		},
		Credential: []provider.Field{{
			Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"), Required: true,
			Help: text("A key of Google AI Studio.", "Google AI Studio 的密钥。"),
		}},
		Models: Models,
	}
}
