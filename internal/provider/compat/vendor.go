package compat

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// vendor is how one vendor differs from OpenAI. What is left out is as OpenAI has it, but for the limit of the output,
// which everybody else calls max_tokens.
type vendor struct {
	// name is the adapter's, title and logo are for people; the logo is an SVG path drawn in a 24×24 box.
	name, title, logo string
	// source is the vendor's own page about the dialect or its errors, by which the row was checked.
	source string
	// baseURL ends where "/chat/completions" begins.
	baseURL string
	// keyless says that it is a server of one's own, which as a rule asks for no key.
	keyless bool
	kinds   []inference.Kind
	// elsewhere are the paths of operations that do not lie below the base URL but on the same host.
	elsewhere map[inference.Kind]string
	// maxOutput is the member that limits the output; "" is max_tokens.
	maxOutput string
	// silent says that the usage of a stream must not be asked for and is not told.
	silent bool
	// reasons says that the reasoning of earlier turns must be sent back, or, where tools were called, the next one is refused.
	reasons bool
	// members are those of a request that the vendor knows by another name, or, where that is empty, not at all and refuses.
	members map[string]string
	// settings are sent as headers.
	settings []setting
	// errors and says tell categories by what errors are called and by what their messages hold; the first that fits counts.
	// What fits none is as the adapter "openai" reads it.
	errors, says []rule
	// statuses tell them by status where nothing else does.
	statuses map[int]inference.Category
	// within is where answers of status 200 hold an error.
	within *within
	// models are suggestions.
	models []string
}

// setting is a member of a platform's config that goes out as a header.
type setting struct {
	name, header string
	en, zh       string // its label
	helpEn       string
	helpZh       string
}

// The operations that most vendors have.
var (
	chats    = []inference.Kind{inference.Chat}
	embeds   = []inference.Kind{inference.Chat, inference.Embeddings}
	responds = []inference.Kind{inference.Chat, inference.Embeddings, inference.Responses}
	paints   = []inference.Kind{inference.Chat, inference.Embeddings, inference.Responses, inference.ImageGenerations}
)

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the vendor needs.
func (a adapter) Describe() provider.Description {
	d := provider.Description{
		Name: a.name, Title: a.title, Logo: a.logo, DefaultBaseURL: a.baseURL, AuthTypes: a.authTypes(),
		Dialects: map[inference.Kind]inference.Dialect{}, Models: a.models,
		Credential: []provider.Field{{
			Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"),
			Help: text("The key of the upstream account; a server of your own may need none.", "上游账号的密钥;自建服务可能无需填写。"),
		}},
		Config: a.fields(),
	}
	for _, kind := range a.kinds {
		d.Dialects[kind] = inference.OpenAI
	}
	return d
}
