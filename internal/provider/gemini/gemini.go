// Package gemini reaches the Gemini API, and what imitates it at a base URL. Source: the provider sheet "gemini".
package gemini

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
)

const defaultBaseURL = "https://generativelanguage.googleapis.com/v1beta"

// The ways to sign in: Google's own header, or a bearer token, as proxies want it.
const (
	authKey    = "apiKey"
	authBearer = "bearer"
)

// Adapter is the adapter "gemini". The zero value is ready.
type Adapter struct{}

// upstream is an opened account.
type upstream struct {
	transport http.RoundTripper
	base      *url.URL
	header    http.Header // without Accept
	key       secret.String
}

// Open checks the account and prepares its headers.
func (Adapter) Open(a provider.Account) (provider.Upstream, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	if err := provider.DecodeConfig(a.Config, &struct{}{}); err != nil {
		return nil, err
	}
	header, err := Header(a.Headers)
	if err != nil {
		return nil, err
	}
	key := a.Credential["apiKey"]
	if !ValidKey(key) {
		return nil, provider.FaultConfig("credentials.apiKey", "An API key is required; it has no spaces or line breaks.")
	}
	switch a.AuthType {
	case authKey, "":
		header["X-Goog-Api-Key"] = []string{key.Reveal()}
	case authBearer:
		header["Authorization"] = []string{"Bearer " + key.Reveal()}
	default:
		return nil, provider.FaultConfig("authType", "The auth type must be apiKey or bearer.")
	}
	return &upstream{transport: a.Transport, base: base, header: header, key: key}, nil
}

// Header is what goes out with every call: the adapter's own and the operator's. Code: provider_config_invalid.
func Header(operators map[string]string) (http.Header, error) {
	h := http.Header{"User-Agent": {"gantry"}, "Content-Type": {"application/json"}}
	return h, provider.AddHeaders(h, operators, "X-Goog-Api-Key")
}

// ValidKey reports whether a key can be sent as a header.
func ValidKey(key secret.String) bool {
	text := key.Reveal()
	return text != "" && !strings.ContainsAny(text, " \t") && provider.ValidHeader("X-Goog-Api-Key", text)
}

// Shape says that streams tell their usage; they do so unasked.
func (u *upstream) Shape() provider.Shape { return provider.Shape{StreamUsage: true} }

var (
	_ provider.Adapter     = Adapter{}
	_ provider.Shaper      = (*upstream)(nil)
	_ provider.ModelLister = (*upstream)(nil)
)
