// Package azure reaches Azure OpenAI. It speaks OpenAI's dialect, but a model is a deployment of the customer's, which in the
// older form stands in the path, behind an API version. Source: the provider sheet "azure-bedrock-vertex".
package azure

import (
	"net/url"
	"strings"
	"sync"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
	"github.com/gantry-ai/gantry/internal/provider/openai"
)

// The ways to sign in.
const (
	authKey    = "api-key"
	authBearer = "bearer"
)

// Adapter is the adapter "azure". The zero value is ready.
type Adapter struct {
	// Tokens keeps those of Microsoft Entra ID; nil: each opened account has its own.
	Tokens *oauth.Book
}

// config is what a platform's config may say.
type config struct {
	// APIVersion chooses the form with deployments in the path, such as 2024-10-21. Empty is the v1 form, which has none.
	APIVersion string `json:"apiVersion"`
	// MaxTokensParam is the member that limits output; empty is what the API version knows.
	MaxTokensParam string `json:"maxTokensParam"`
	// StreamUsage is "true" or "false"; empty is what the API version knows.
	StreamUsage string `json:"streamUsage"`
	// TenantID and ClientID name an application of Microsoft Entra ID.
	TenantID string `json:"tenantId"`
	ClientID string `json:"clientId"`
	// Scope is what its tokens are for; empty is Azure OpenAI. TokenURL is where they are issued; empty is Microsoft's.
	Scope    string `json:"scope"`
	TokenURL string `json:"tokenUrl"`
}

// upstream is an opened resource.
type upstream struct {
	shape provider.Shape
	// shared is the resource's own; deployments are opened when they are first called: there are as many as an operator named.
	shared      provider.Upstream
	deployments *deployments
}

// deployments are the upstreams of the form that has deployments in the path.
type deployments struct {
	open   func(name string) (provider.Upstream, error)
	byName sync.Map
}

// of returns the upstream of a deployment.
func (d *deployments) of(name string) (provider.Upstream, error) {
	if u, ok := d.byName.Load(name); ok {
		return u.(provider.Upstream), nil //nolint:forcetypeassert // nothing else is stored
	}
	u, err := d.open(name)
	if err != nil {
		return nil, err
	}
	d.byName.Store(name, u)
	return u, nil
}

// Open checks the account.
func (d Adapter) Open(a provider.Account) (provider.Upstream, error) {
	base, err := resource(a.BaseURL)
	if err != nil {
		return nil, err
	}
	var c config
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	if err := d.authorize(&a, &c); err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	if c.APIVersion != "" {
		a.Transport = versioned{a.Transport, url.Values{"api-version": {c.APIVersion}}.Encode()}
	}
	a.Config = c.openAI()
	at := func(path string) (provider.Upstream, error) {
		account := a
		account.BaseURL = base.String() + path
		return openai.Adapter{}.Open(account)
	}
	u := &upstream{shape: c.shape()}
	if c.APIVersion == "" {
		u.shared, err = at("/openai/v1")
		return u, err
	}
	u.deployments = &deployments{open: func(name string) (provider.Upstream, error) {
		return at("/openai/deployments/" + url.PathEscape(name))
	}}
	u.shared, err = at("/openai")
	return u, err
}

// resource reads the address of a resource; the paths that the portal shows behind it are dropped.
func resource(text string) (*url.URL, error) {
	base, err := provider.ParseBaseURL(text, "")
	if err != nil {
		return nil, err
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/v1"), "/openai")
	base.RawPath = ""
	return base, nil
}

// authorize settles how calls of the account are signed in.
func (d Adapter) authorize(a *provider.Account, c *config) error {
	if a.Credential["apiKey"].IsZero() && !a.Credential["clientSecret"].IsZero() {
		a.AuthType = authEntra // forms ask for all fields, and not for the way to sign in
	}
	switch a.AuthType {
	case authKey, "":
		a.AuthType = "header"
	case authBearer:
	case authEntra:
		e, err := c.entra(a.Credential["clientSecret"])
		if err != nil {
			return err
		}
		a.AuthType, a.Transport = "none", d.signIn(a.Transport, e)
	default:
		return provider.FaultConfig("authType", "The auth type must be api-key, bearer or entra.")
	}
	return nil
}

// Shape says how the API version wants requests.
func (u *upstream) Shape() provider.Shape { return u.shape }

// of is the upstream that a call goes to.
func (u *upstream) of(c *provider.Call) (provider.Upstream, error) {
	if u.deployments == nil || c.Kind == inference.Responses {
		return u.shared, nil
	}
	return u.deployments.of(c.Model)
}

var (
	_ provider.Adapter = Adapter{}
	_ provider.Shaper  = (*upstream)(nil)
)
