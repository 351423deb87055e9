// Package ollama reaches Ollama servers: conversations by Ollama's own API, which alone knows how long the context is to be,
// and embeddings by its port that speaks OpenAI's dialect. Source: the provider sheet "ollama-vllm-llamacpp".
package ollama

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/openai"
)

const defaultBaseURL = "http://127.0.0.1:11434"

// The ways to sign in. Ollama's cloud wants a key, a server of one's own none.
const (
	authNone   = "none"
	authBearer = "bearer"
)

// Adapter is the adapter "ollama". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	// ContextLength is how many tokens the server keeps in mind; 0 leaves it to the server, which cuts what is longer without
	// a word.
	ContextLength int64 `json:"contextLength"`
	// KeepAlive is how long the model stays loaded, such as "5m" or "-1"; empty leaves it to the server.
	KeepAlive string `json:"keepAlive"`
}

// upstream is an opened server.
type upstream struct {
	transport http.RoundTripper
	base      *url.URL
	header    http.Header
	// openai is the port that speaks OpenAI's dialect.
	openai provider.Upstream
	edit   edit
}

// Open checks the account.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/v1"), strings.TrimSuffix(base.RawPath, "/v1")
	var c config
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	u := &upstream{transport: a.Transport, base: base}
	if u.edit, err = c.edit(); err != nil {
		return nil, err
	}
	if a.AuthType == "" {
		a.AuthType = authNone
	}
	if a.AuthType != authNone && a.AuthType != authBearer {
		return nil, provider.FaultConfig("authType", "The auth type must be none or bearer.")
	}
	if key := a.Credential["apiKey"]; !key.IsZero() {
		a.AuthType = authBearer // none is what is not needed, not what is not wanted
	}
	a.BaseURL, a.Config = base.String()+"/v1", nil
	if u.openai, err = (openai.Adapter{}).Open(a); err != nil { // which checks key and headers, too
		return nil, err
	}
	u.header = headers(&a)
	return u, nil
}

// headers are those that go out with every call; they have been checked.
func headers(a *provider.Account) http.Header {
	h := http.Header{"User-Agent": {"gantry"}, "Content-Type": {"application/json"}}
	for name, value := range a.Headers {
		h.Set(name, value)
	}
	if a.AuthType == authBearer {
		h.Set("Authorization", "Bearer "+a.Credential["apiKey"].Reveal())
	}
	return h
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return provider.Description{
		Name: "ollama", Title: "Ollama", DefaultBaseURL: defaultBaseURL, AuthTypes: []string{authNone, authBearer},
		Logo: "M8 2c1.5 0 2.3 2 2.5 4h3C13.7 4 14.5 2 16 2c2 0 2.5 4 2 7 1 1 1.5 2.5 1.5 4v9h-15v-9c0-1.5.5-3 1.5-4-.5-3 0-7 2-7zm1 9.500a1 1 0 100 2 1 1 0 000-2zm6 0a1 1 0 100 2 1 1 0 000-2zM12 14l-2 2 2 1 2-1-2-2z",
		Dialects: map[inference.Kind]inference.Dialect{
			inference.Chat: inference.Ollama, inference.Embeddings: inference.OpenAI,
		},
		Credential: []provider.Field{{
			Name: "apiKey", Type: "secret", Label: text("API key", "API 密钥"),
			Help: text("Only Ollama's cloud and servers behind a gate want one.", "仅 Ollama 云服务或带网关的服务需要。"),
		}},
		Config: []provider.Field{
			{
				Name: "contextLength", Type: "number", Label: text("Context length", "上下文长度"),
				Help: text("Tokens; sent as num_ctx. Without it the server cuts long conversations without a word.",
					"以 token 计,作为 num_ctx 发送;不设置时服务器会静默截断过长的对话。"),
			},
			{
				Name: "keepAlive", Type: "text", Label: text("Keep loaded", "保持加载"),
				Help: text("How long the model stays loaded, such as 5m, or -1 for always.", "模型保持加载的时间,如 5m;-1 表示一直保持。"),
			},
		},
		Models: []string{"llama3.2", "qwen3", "gpt-oss:20b", "gemma3", "nomic-embed-text"},
	}
}

// Shape says that Ollama's templates take the reasoning of earlier turns.
func (u *upstream) Shape() provider.Shape {
	return provider.Shape{StreamUsage: true, ReturnReasoning: true}
}

var (
	_ provider.Adapter     = Adapter{}
	_ provider.Shaper      = (*upstream)(nil)
	_ provider.ModelLister = (*upstream)(nil)
)
