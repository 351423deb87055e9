// Package compat reaches vendors that speak OpenAI's dialect with an accent of their own. A vendor is a row of vendors and a
// recording of an exchange with it in testdata; the adapter "openai" does the talking.
package compat

import (
	"slices"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/openai"
)

// Adapters returns one adapter for each vendor.
func Adapters() []provider.Adapter {
	out := make([]provider.Adapter, len(vendors))
	for i := range vendors {
		out[i] = adapter{&vendors[i]}
	}
	return out
}

// adapter is the adapter of a vendor.
type adapter struct{ *vendor }

// The ways to sign in, as the adapter "openai" names them.
const (
	bearer = "bearer"
	noKey  = "none"
)

// authTypes are the ways to sign in; a server of one's own needs no key, unless it was started with one.
func (v *vendor) authTypes() []string {
	if v.keyless {
		return []string{noKey, bearer}
	}
	return []string{bearer}
}

// Open opens the account with the adapter "openai", once for each place where the vendor has operations.
func (a adapter) Open(account provider.Account) (provider.Upstream, error) {
	settled, err := a.account(account)
	if err != nil {
		return nil, err
	}
	u := &upstream{
		vendor: a.vendor, calls: map[inference.Kind]provider.Upstream{}, edits: newEdits(a.members), key: settled.Credential["apiKey"],
	}
	if u.Upstream, err = (openai.Adapter{}).Open(settled); err != nil {
		return nil, err
	}
	base, err := provider.ParseBaseURL(settled.BaseURL, "")
	if err != nil {
		return nil, err
	}
	u.host = base.Host
	for _, kind := range a.kinds {
		u.calls[kind] = u.Upstream
		if path := a.elsewhere[kind]; path != "" {
			base.Path, base.RawPath = path, ""
			settled.BaseURL = base.String()
			if u.calls[kind], err = (openai.Adapter{}).Open(settled); err != nil {
				return nil, err
			}
		}
	}
	return u, nil
}

// account is the account as the adapter "openai" takes it.
func (a adapter) account(account provider.Account) (provider.Account, error) {
	if account.BaseURL == "" {
		account.BaseURL = a.baseURL
	}
	if account.AuthType == "" {
		account.AuthType = a.authTypes()[0]
	}
	if !slices.Contains(a.authTypes(), account.AuthType) {
		return account, provider.FaultConfig("authType", "This provider is signed in to in another way.")
	}
	if key := account.Credential["apiKey"]; a.keyless && !key.IsZero() {
		account.AuthType = bearer // none is what is not needed, not what is not wanted
	}
	var err error
	account.Headers, account.Config, err = a.settle(account.Headers, account.Config)
	return account, err
}

// upstream is an opened account of a vendor's. Upstream is the one at the base URL, which lists the models.
type upstream struct {
	provider.Upstream
	*vendor

	calls map[inference.Kind]provider.Upstream
	edits edits
	host  string
	key   secret.String
}

// Shape says how the vendor wants requests.
func (u *upstream) Shape() provider.Shape {
	s := u.Upstream.(provider.Shaper).Shape() //nolint:forcetypeassert // the adapter "openai" is one
	s.ReturnReasoning = s.ReturnReasoning || u.reasons
	return s
}

var (
	_ provider.Adapter     = adapter{}
	_ provider.Shaper      = (*upstream)(nil)
	_ provider.ModelLister = (*upstream)(nil)
)
