// Package anthropic reaches every upstream that speaks Anthropic's Messages at a base URL. Source: the provider sheet
// "anthropic".
package anthropic

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	defaultBaseURL = "https://api.anthropic.com"
	// defaultVersion is what a request is written in that does not say.
	defaultVersion = "2023-06-01"
)

// The ways to sign in.
const (
	authHeader = "header" // x-api-key
	authBearer = "bearer"
	authNone   = "none"
)

// Paths of the operations, behind the base URL.
const (
	messagesPath = "/v1/messages"
	countPath    = "/v1/messages/count_tokens"
	modelsPath   = "/v1/models"
)

// Names of the protocol's own headers.
const (
	versionHeader = "Anthropic-Version"
	betaHeader    = "Anthropic-Beta"
	keyHeader     = "X-Api-Key"
)

// Adapter is the adapter "anthropic". The zero value is ready.
type Adapter struct{}

// config is what a platform's config may say.
type config struct {
	// Version is the anthropic-version that is always sent; empty means the caller's, else 2023-06-01.
	Version string `json:"version"`
	// Betas are the values of anthropic-beta that callers may use, with commas between; "*" means all, and empty the usual ones.
	Betas string `json:"betas"`
	// CountTokens says that the upstream counts tokens; some who imitate the protocol do not.
	CountTokens bool `json:"countTokens"`
}

// upstream is an opened account. Requests are copied from templates, so a call parses and joins nothing.
type upstream struct {
	transport     http.RoundTripper
	base          *url.URL
	header        http.Header // without Accept
	whole, stream *http.Request
	count         *http.Request // nil: the upstream does not count
	version       string        // "": the caller's
	betas         betas
	key           secret.String
}

// Open checks the account and prepares its requests.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	base.Path = strings.TrimSuffix(base.Path, "/v1") // the paths have it; who copied it from another client means the same
	base.RawPath = strings.TrimSuffix(base.RawPath, "/v1")
	c := config{CountTokens: true}
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	if c.Version != "" && !isVersion(c.Version) {
		return nil, provider.FaultConfig("config.version", "The version is a date, such as 2023-06-01.")
	}
	u := &upstream{transport: a.Transport, base: base, version: c.Version, key: a.Credential["apiKey"]}
	if u.betas, err = parseBetas(c.Betas); err != nil {
		return nil, err
	}
	if u.header, err = u.headers(a.Headers); err != nil {
		return nil, err
	}
	if err := u.authorize(a.AuthType); err != nil {
		return nil, err
	}
	u.whole = u.template(http.MethodPost, messagesPath, "application/json")
	u.stream = u.template(http.MethodPost, messagesPath, "text/event-stream")
	if c.CountTokens {
		u.count = u.template(http.MethodPost, countPath, "application/json")
	}
	return u, nil
}

func (u *upstream) headers(operators map[string]string) (http.Header, error) {
	version := u.version
	if version == "" {
		version = defaultVersion
	}
	h := http.Header{"User-Agent": {"gantry"}, "Content-Type": {"application/json"}, versionHeader: {version}}
	return h, provider.AddHeaders(h, operators, keyHeader, versionHeader)
}

func (u *upstream) authorize(authType string) error {
	name, value := keyHeader, u.key.Reveal()
	switch authType {
	case authNone:
		return nil
	case authBearer:
		name, value = "Authorization", "Bearer "+value
	case authHeader, "":
	default:
		return provider.FaultConfig("authType", "The auth type must be header, bearer or none.")
	}
	if key := u.key.Reveal(); u.key.IsZero() || strings.ContainsAny(key, " \t") || !provider.ValidHeader(name, key) {
		return provider.FaultConfig("credentials.apiKey", "An API key is required; it has no spaces or line breaks.")
	}
	u.header[name] = []string{value}
	return nil
}

// isVersion reports whether a text is a date, as versions are.
func isVersion(text string) bool {
	if len(text) != len(defaultVersion) {
		return false
	}
	for i := range len(text) {
		if dash := i == 4 || i == 7; dash != (text[i] == '-') || !dash && text[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// fixedSampling is the first version in which callers cannot say how tokens are chosen. Source: the provider sheet's note
// on newer clients.
const fixedSampling = "2026-10-21"

// Shape says that streams tell their usage, and what the platform's own version takes.
func (u *upstream) Shape() provider.Shape {
	return provider.Shape{StreamUsage: true, FixedSampling: u.version >= fixedSampling}
}

var (
	_ provider.Adapter      = Adapter{}
	_ provider.Shaper       = (*upstream)(nil)
	_ provider.ModelLister  = (*upstream)(nil)
	_ provider.TokenCounter = (*upstream)(nil)
)
