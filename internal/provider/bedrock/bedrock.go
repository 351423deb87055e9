// Package bedrock reaches models on AWS Bedrock: all of them by the Converse API, and Claude also in Anthropic's own dialect.
// Source: the provider sheet "azure-bedrock-vertex".
package bedrock

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
)

const defaultBaseURL = "https://bedrock-runtime.us-east-1.amazonaws.com"

// The ways to sign in.
const (
	authSigned = "sigv4"
	authBearer = "bearer"
)

// Adapter is the adapter "bedrock", which speaks Converse. The zero value is ready.
type Adapter struct {
	// Now is the time that signatures are made at; nil is the machine's.
	Now clock.Clock
}

// Claude is the adapter "bedrock-claude", which speaks Anthropic's dialect to Claude. The zero value is ready.
type Claude struct {
	// Now is as in Adapter.
	Now clock.Clock
}

// config is what a platform's config may say.
type config struct {
	// Region is the one that signatures are for; empty reads it from the base URL.
	Region string `json:"region"`
	// ControlURL is where models are listed; empty reads it from the base URL.
	ControlURL string `json:"controlUrl"`
}

// upstream is an opened account.
type upstream struct {
	transport http.RoundTripper
	now       clock.Clock
	base      *url.URL
	control   *url.URL // nil: not known
	header    http.Header
	signer    *signer // nil: a key signs in
	key       secret.String
	routes    map[inference.Kind]route
}

// Open checks the account.
func (a Adapter) Open(account provider.Account) (provider.Upstream, error) {
	return open(account, a.Now, map[inference.Kind]route{inference.Chat: converse})
}

// Open checks the account.
func (a Claude) Open(account provider.Account) (provider.Upstream, error) {
	return open(account, a.Now, map[inference.Kind]route{inference.Messages: invoke})
}

func open(a provider.Account, now clock.Clock, routes map[inference.Kind]route) (provider.Upstream, error) {
	base, err := provider.ParseBaseURL(a.BaseURL, defaultBaseURL)
	if err != nil {
		return nil, err
	}
	var c config
	if err := provider.DecodeConfig(a.Config, &c); err != nil {
		return nil, err
	}
	if now == nil {
		now = clock.System
	}
	u := &upstream{transport: a.Transport, now: now, base: base, routes: routes}
	if u.header, err = headers(a.Headers); err != nil {
		return nil, err
	}
	if c.Region, err = c.region(base.Hostname()); err != nil {
		return nil, err
	}
	if u.control, err = c.control(base); err != nil {
		return nil, err
	}
	if err := u.authorize(a, c.Region); err != nil {
		return nil, err
	}
	return u, nil
}

var (
	hostForm   = regexp.MustCompile(`^bedrock-runtime(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?|api\.aws)$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,8}(-[a-z0-9]{1,16}){1,4}$`)
)

func (c *config) region(host string) (string, error) {
	region := c.Region
	if m := hostForm.FindStringSubmatch(host); region == "" && m != nil {
		region = m[2]
	}
	if !regionForm.MatchString(region) {
		return "", provider.FaultConfig("config.region", "A region such as us-east-1 is required, because the base URL names none.")
	}
	return region, nil
}

// control is the address of the control plane, which stands beside the runtime; nil where the base URL does not tell it.
func (c *config) control(base *url.URL) (*url.URL, error) {
	if c.ControlURL != "" {
		u, err := provider.ParseBaseURL(c.ControlURL, "")
		if err != nil {
			return nil, provider.FaultConfig("config.controlUrl", "The control plane must be an http or https address.")
		}
		return u, nil
	}
	if !hostForm.MatchString(base.Hostname()) {
		return nil, nil //nolint:nilnil // without a control plane models are not listed
	}
	u := *base
	u.Host = "bedrock" + strings.TrimPrefix(u.Host, "bedrock-runtime")
	return &u, nil
}

var (
	_ provider.Adapter     = Adapter{}
	_ provider.Adapter     = Claude{}
	_ provider.ModelLister = (*upstream)(nil)
)
