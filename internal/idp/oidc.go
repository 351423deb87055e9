package idp

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// algorithms are what a provider may sign with: asymmetric ones, so that nobody who knows a public key, or a client's
// secret, can make a token.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

const (
	// signInTime is how long a sign-in may take at the provider.
	signInTime = 10 * time.Minute
	stateLen   = 32
	place      = "oidc sign-in"
)

// Options of an OIDC provider. Source: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9207.
type Options struct {
	Issuer       string
	ClientID     string
	ClientSecret secret.String // empty for a public client
	RedirectURL  string        // of the callback, as the provider has it registered
	Scopes       []string      // openid is added
	Title        string        // for the button
	Mapping      Mapping
	// Box seals what the browser keeps between the beginning and the end of a sign-in.
	Box *secret.Box
	Now clock.Clock
}

// OIDC signs people in at one provider, by authorization code with PKCE, state and nonce.
type OIDC struct {
	o      Options
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
}

// NewOIDC returns the provider. It is asked for its addresses at the first sign-in: that it is away keeps nobody else out.
func NewOIDC(o Options) *OIDC { return &OIDC{o: o, client: newClient(o.Now)} }

// Title is what the button says.
func (p *OIDC) Title() string { return p.o.Title }

// ticket is what the browser keeps, sealed, while a person is at the provider.
type ticket struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Next     string    `json:"next"`
	Expires  time.Time `json:"expires"`
}

// Begin returns where the browser is to go, and what it is to keep for Finish. next is given back by Finish.
// Code: identity_provider_failed.
func (p *OIDC) Begin(ctx context.Context, next string) (location, kept string, err error) {
	config, err := p.config(ctx)
	if err != nil {
		return "", "", err
	}
	t := ticket{
		State: secret.Random(stateLen), Nonce: secret.Random(stateLen), Verifier: oauth2.GenerateVerifier(), Next: next,
		Expires: p.o.Now().Add(signInTime),
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return "", "", err
	}
	sealed, err := p.o.Box.Seal(plain, place)
	if err != nil {
		return "", "", err
	}
	location = config.AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier))
	return location, base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Finish reads what the provider sent the browser back with.
// Codes: sign_in_expired, sign_in_refused, identity_provider_failed, tenant_unknown.
func (p *OIDC) Finish(ctx context.Context, kept string, query url.Values) (identity.Person, string, error) {
	t, err := p.open(kept)
	if err != nil {
		return identity.Person{}, "", err
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(t.State)) != 1:
		return identity.Person{}, "", identity.ErrSignInExpired
	case query.Has("iss") && query.Get("iss") != p.o.Issuer:
		return identity.Person{}, "", identity.ErrSignInRefused
	case query.Get("error") != "" || query.Get("code") == "":
		return identity.Person{}, "", identity.ErrSignInRefused
	}
	person, err := p.exchange(ctx, query.Get("code"), t)
	return person, t.Next, err
}

func (p *OIDC) open(kept string) (t ticket, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil {
		return t, identity.ErrSignInExpired
	}
	plain, err := p.o.Box.Open(sealed, place)
	if err != nil || json.Unmarshal(plain, &t) != nil || !p.o.Now().Before(t.Expires) {
		return ticket{}, identity.ErrSignInExpired
	}
	return t, nil
}

// exchange gives the code for an ID token and checks it.
func (p *OIDC) exchange(ctx context.Context, code string, t ticket) (identity.Person, error) {
	config, err := p.config(ctx)
	if err != nil {
		return identity.Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(t.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode == "invalid_grant" {
		return identity.Person{}, identity.ErrSignInRefused
	}
	if err != nil {
		return identity.Person{}, identity.ErrProvider.Because(scrub(err))
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := p.provider.Verifier(&oidc.Config{ClientID: p.o.ClientID, SupportedSigningAlgs: algorithms, Now: p.o.Now})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return identity.Person{}, identity.ErrProvider.Because(err)
	}
	return p.read(id, token, t.Nonce)
}

// read checks what belongs to this sign-in, and reads who it is.
func (p *OIDC) read(id *oidc.IDToken, token *oauth2.Token, nonce string) (identity.Person, error) {
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return identity.Person{}, identity.ErrProvider.Because(errors.New("the nonce is another"))
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return identity.Person{}, identity.ErrProvider.Because(err)
		}
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return identity.Person{}, identity.ErrProvider.Because(err)
	}
	if party := text(claims, "azp"); party != p.o.ClientID && (party != "" || len(id.Audience) > 1) {
		return identity.Person{}, identity.ErrProvider.Because(errors.New("the authorized party is another"))
	}
	if id.Subject == "" {
		return identity.Person{}, identity.ErrProvider.Because(errors.New("there is no subject"))
	}
	return p.o.Mapping.person(id.Subject, claims)
}

// config returns the provider's addresses, found once. Code: identity_provider_failed.
func (p *OIDC) config(ctx context.Context) (*oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.provider == nil {
		// The provider keeps the context for fetching keys later on.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.o.Issuer)
		if err != nil {
			return nil, identity.ErrProvider.Because(err)
		}
		p.provider = found
	}
	scopes := slices.DeleteFunc(slices.Clone(p.o.Scopes), func(s string) bool { return s == oidc.ScopeOpenID })
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret.Reveal(), Endpoint: p.provider.Endpoint(),
		RedirectURL: p.o.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, scopes...),
	}, nil
}

// scrub keeps the provider's answer, which may hold a code or a token, out of the log.
func scrub(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return errors.New("the token endpoint answered " + refused.Response.Status + " " + refused.ErrorCode)
	}
	return err
}
