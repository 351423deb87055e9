package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/idp"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// connectProviders makes those known whom this installation takes others' word for. master is the key of what is sealed.
func (a *App) connectProviders(master []byte) error {
	box, err := secret.NewBox(master, "oidc")
	if err != nil {
		return err
	}
	if o := a.cfg.Auth.OIDC; o.Issuer != "" {
		a.signIn = idp.NewOIDC(idp.Options{
			Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret, RedirectURL: a.callbackURL(),
			Scopes: config.Words(o.Scopes), Title: o.Title, Box: box, Now: a.now,
			Mapping: idp.Mapping{
				Source: o.Name, RolesClaim: o.RolesClaim, Roles: rolesOf(o.Roles), TenantClaim: o.TenantClaim,
			},
		})
	}
	return a.trustIssuer()
}

func (a *App) trustIssuer() error {
	t := a.cfg.Auth.TrustedJWT
	if t.Issuer == "" {
		return nil
	}
	issuer, err := idp.NewIssuer(idp.IssuerOptions{
		Issuer: t.Issuer, Audience: t.Audience, JWKS: t.JWKSURL, PublicKey: t.PublicKey,
		Algorithms: config.Words(t.Algorithms), Now: a.now,
		Mapping: idp.Mapping{
			Source: t.Name, UsernameClaim: t.UsernameClaim, RolesClaim: t.RolesClaim, Roles: rolesOf(t.Roles),
			TenantClaim: t.TenantClaim,
		},
	})
	if err != nil {
		return fmt.Errorf("configuration: auth.trustedJwt.publicKey: %w", err)
	}
	a.directory.Trust(issuer, func(ctx context.Context, p identity.Person) (identity.User, error) {
		return a.identity.Admit(ctx, identity.Client{}, p)
	})
	return nil
}

// callbackURL is where the provider sends people back to.
func (a *App) callbackURL() string {
	return strings.TrimRight(a.cfg.PublicURL, "/") + a.cfg.Surfaces.Console.Prefix + "/api/console/oidc/callback"
}

func rolesOf(s string) map[string]identity.Role {
	out := map[string]identity.Role{}
	for theirs, ours := range config.RoleMap(s) {
		out[theirs] = identity.Role(ours)
	}
	return out
}
