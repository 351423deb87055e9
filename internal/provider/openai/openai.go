// Package openai reaches every upstream that speaks the OpenAI dialect at a base URL. Source: the provider sheet "openai".
package openai

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
)

const defaultBaseURL = "https://api.openai.com/v1"

// The ways to sign in.
const (
	authBearer = "bearer"
	authHeader = "header"
	authNone   = "none"
)

// paths are the operations, behind the base URL.
var paths = map[inference.Kind]string{
	inference.Chat:             "/chat/completions",
	inference.Responses:        "/responses",
	inference.Embeddings:       "/embeddings",
	inference.ImageGenerations: "/images/generations",
	inference.ImageEdits:       "/images/edits",
	inference.ImageVariations:  "/images/variations",
	inference.Completions:      "/completions",
	inference.Speech:           "/audio/speech",
	inference.Transcriptions:   "/audio/transcriptions",
	inference.Translations:     "/audio/translations",
	inference.Moderations:      "/moderations",
	inference.Rerank:           "/rerank", // which OpenAI has not, and servers of models have
}

// accepted is what whole answers of an operation may be, where that is not JSON alone.
var accepted = map[inference.Kind]string{
	inference.Speech: "*/*", inference.Transcriptions: "*/*", inference.Translations: "*/*",
}

const modelsPath = "/models"

// Adapter is the adapter "openai". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	Organization string `json:"organization"`
	Project      string `json:"project"`
	// AuthHeader names the header that holds the key when the auth type is "header".
	AuthHeader string `json:"authHeader"`
	// MaxTokensParam is the member that limits output: "max_tokens", which all imitators know, or "max_completion_tokens",
	// which OpenAI's own reasoning models insist on. Empty means the latter at api.openai.com and the former elsewhere.
	MaxTokensParam string `json:"maxTokensParam"`
	// StreamUsage says that the upstream tells a stream's usage when asked; most do.
	StreamUsage bool `json:"streamUsage"`
}

// upstream is an opened account. Requests are copied from templates, so a call parses and joins nothing.
type upstream struct {
	transport http.RoundTripper
	base      *url.URL
	header    http.Header // without Accept
	calls     map[inference.Kind]*templates
	shape     provider.Shape
	key       secret.String
}

// Open checks the account and prepares its requests.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	c := config{AuthHeader: "api-key", StreamUsage: true}
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	header, err := c.header(a.Headers)
	if err != nil {
		return nil, err
	}
	key := a.Credential["apiKey"]
	if err := c.authorize(header, a.AuthType, key); err != nil {
		return nil, err
	}
	shape, err := c.shape(base)
	if err != nil {
		return nil, err
	}
	u := &upstream{transport: a.Transport, base: base, header: header, shape: shape, key: key}
	u.calls = make(map[inference.Kind]*templates, len(paths))
	for kind, path := range paths {
		u.calls[kind] = u.newTemplates(path, cmp.Or(accepted[kind], "application/json"))
	}
	return u, nil
}

func (c *config) header(operators map[string]string) (http.Header, error) {
	h := http.Header{"User-Agent": {"gantry"}, "Content-Type": {"application/json"}}
	if err := provider.AddHeaders(h, operators); err != nil {
		return nil, err
	}
	for _, own := range [...]struct{ field, header, value string }{
		{"organization", "Openai-Organization", c.Organization}, {"project", "Openai-Project", c.Project},
	} {
		if !provider.ValidHeader(own.header, own.value) {
			return nil, provider.FaultConfig("config."+own.field, "The value cannot be sent as a header.")
		}
		if own.value != "" {
			h[own.header] = []string{own.value}
		}
	}
	return h, nil
}

func (c *config) authorize(h http.Header, authType string, key secret.String) error {
	name, value := "Authorization", "Bearer "+key.Reveal()
	switch authType {
	case authNone:
		return nil
	case authHeader:
		name, value = http.CanonicalHeaderKey(c.AuthHeader), key.Reveal()
		if !provider.ValidHeader(name, "") || name != "Authorization" && provider.IsReserved(name) {
			return provider.FaultConfig("config.authHeader", "This is not a name that a header with a key can have.")
		}
	case authBearer, "":
	default:
		return provider.FaultConfig("authType", "The auth type must be bearer, header or none.")
	}
	if key.IsZero() || strings.ContainsAny(key.Reveal(), " \t") || !provider.ValidHeader(name, key.Reveal()) {
		return provider.FaultConfig("credentials.apiKey", "An API key is required; it has no spaces or line breaks.")
	}
	h[name] = []string{value}
	return nil
}

func (c *config) shape(base *url.URL) (provider.Shape, error) {
	s := provider.Shape{MaxOutputParam: c.MaxTokensParam, StreamUsage: c.StreamUsage}
	switch c.MaxTokensParam {
	case "max_tokens", "max_completion_tokens":
	case "":
		s.MaxOutputParam = "max_tokens"
		if host := base.Hostname(); host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com") {
			s.MaxOutputParam = "max_completion_tokens"
		}
	default:
		return s, provider.FaultConfig("config.maxTokensParam", "The parameter must be max_tokens or max_completion_tokens.")
	}
	return s, nil
}

// Shape says how this upstream wants requests.
func (u *upstream) Shape() provider.Shape { return u.shape }

var (
	_ provider.Adapter     = Adapter{}
	_ provider.Shaper      = (*upstream)(nil)
	_ provider.ModelLister = (*upstream)(nil)
)
