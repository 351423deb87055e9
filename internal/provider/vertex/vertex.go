// Package vertex reaches Vertex AI: Google's models in Google's dialect, and Claude in Anthropic's. Both sign in with a service
// account. Source: the provider sheets "gemini", sections 0 and 7, and "azure-bedrock-vertex", section 4.
package vertex

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/gemini"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
)

const (
	defaultBaseURL  = "https://aiplatform.googleapis.com"
	defaultLocation = "global"
)

// The ways to sign in: a service account, or a key of the express mode, which belongs to no project.
const (
	authAccount = "serviceAccount"
	authKey     = "apiKey"
)

// Options of the adapters.
type Options struct {
	// Now is what tokens are dated by; nil means clock.System.
	Now clock.Clock
}

// Adapters returns the adapters "vertex" and "vertex-claude". They share their tokens.
func Adapters(o Options) []provider.Adapter {
	signer := signer{&oauth.Book{Now: o.Now}}
	return []provider.Adapter{Adapter{signer}, Claude{signer}}
}

// signer opens accounts that sign in with tokens of its book.
type signer struct{ *oauth.Book }

// config is what a platform's config may say.
type config struct {
	// Project is the project that calls are made in; empty means that of the service account.
	Project string `json:"project"`
	// Location is the region, such as "europe-west1"; empty means "global".
	Location string `json:"location"`
	// TokenURL is where tokens are issued; empty means what the service account says, which must then be Google's.
	TokenURL string `json:"tokenUrl"`
}

// account is an opened account, whatever is called with it.
type account struct {
	transport http.RoundTripper
	base      *url.URL
	place     string // up to the publisher
	header    http.Header
	secrets   []string
}

var (
	locationForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	projectForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9:.-]{0,80}$`)
)

// open checks an account. Code: provider_config_invalid.
func (b signer) open(a *provider.Account, allowKey bool) (*account, error) {
	c := config{}
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	if c.Location == "" {
		c.Location = defaultLocation
	}
	if !locationForm.MatchString(c.Location) {
		return nil, provider.FaultConfig("config.location", "A location is a word such as global or europe-west1.")
	}
	base, err := baseOf(a.BaseURL, c.Location)
	if err != nil {
		return nil, err
	}
	header, err := gemini.Header(a.Headers)
	if err != nil {
		return nil, err
	}
	out := &account{transport: a.Transport, base: base, header: header}
	switch {
	case a.AuthType == authAccount || a.AuthType == "":
		err = b.withAccount(out, a, &c)
	case a.AuthType == authKey && allowKey:
		err = out.withKey(a.Credential["apiKey"])
	default:
		err = provider.FaultConfig("authType", "The auth type is not one of this provider's.")
	}
	return out, err
}

// baseOf is where a location answers, unless the account names another address.
func baseOf(text, location string) (*url.URL, error) {
	if strings.TrimRight(text, "/") == defaultBaseURL {
		text = ""
	}
	regional := defaultBaseURL
	if location != defaultLocation {
		regional = "https://" + location + "-aiplatform.googleapis.com"
	}
	base, err := provider.ParseBaseURL(text, regional)
	if err == nil {
		base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/v1"), strings.TrimSuffix(base.RawPath, "/v1")
	}
	return base, err
}

func (o *account) withKey(key secret.String) error {
	if !gemini.ValidKey(key) {
		return provider.FaultConfig("credentials.apiKey", "An API key is required; it has no spaces or line breaks.")
	}
	o.header["X-Goog-Api-Key"] = []string{key.Reveal()}
	o.place, o.secrets = "/v1", []string{key.Reveal(), o.base.Host}
	return nil
}

func (b signer) withAccount(o *account, a *provider.Account, c *config) error {
	s, err := parseServiceAccount(a.Credential["serviceAccount"])
	if err != nil {
		return err
	}
	if c.Project == "" {
		c.Project = s.ProjectID
	}
	if !projectForm.MatchString(c.Project) {
		return provider.FaultConfig("config.project", "The id of a project is required.")
	}
	if s.tokenURL, err = tokenAddress(c.TokenURL, s.TokenURI); err != nil {
		return err
	}
	o.place = "/v1/projects/" + url.PathEscape(c.Project) + "/locations/" + c.Location
	o.transport = &oauth.Transport{Next: a.Transport, Source: b.Source(s.oauth()), ErrorBody: errorBody}
	o.secrets = []string{s.PrivateKey, s.ClientEmail, o.base.Host, c.Project}
	return nil
}
