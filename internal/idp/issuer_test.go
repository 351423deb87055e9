package idp_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/idp"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/testkit/fakeidp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func issuerOf(t *testing.T, p *fakeidp.Provider, now clock.Clock, change func(*idp.IssuerOptions)) *idp.Issuer {
	t.Helper()
	o := idp.IssuerOptions{
		Issuer: p.Issuer, Audience: p.ClientID, JWKS: p.JWKS(), Algorithms: []string{"ES256"}, Now: now,
		Mapping: idp.Mapping{Source: "corp"},
	}
	change(&o)
	i, err := idp.NewIssuer(o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestTokensOfATrustedIssuer(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(noon)
	p := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	i := issuerOf(t, p, now.Now, func(*idp.IssuerOptions) {})
	who, expires, err := i.Verify(t.Context(), p.Token(nil))
	want := identity.Person{Source: "corp", ExternalID: "person-1", Username: "ada", DisplayName: "Ada", Email: "ada@idp.example"}
	if diff := cmp.Diff(want, who); err != nil || diff != "" || !expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("%v, until %v, %v", diff, expires, err)
	}
	for name, c := range map[string]struct {
		over map[string]any
		want error
	}{
		"for another audience": {map[string]any{"aud": "someone"}, identity.ErrTokenInvalid},
		"for nobody":           {map[string]any{"aud": nil}, identity.ErrTokenInvalid},
		"of another issuer":    {map[string]any{"iss": "https://elsewhere.example"}, identity.ErrTokenInvalid},
		"expired":              {map[string]any{"exp": noon.Add(-time.Second).Unix()}, identity.ErrTokenExpired},
		"without an end":       {map[string]any{"exp": nil}, identity.ErrTokenExpired},
		"not yet good":         {map[string]any{"nbf": noon.Add(time.Hour).Unix()}, identity.ErrTokenInvalid},
		"of nobody":            {map[string]any{"sub": nil}, identity.ErrTokenInvalid},
	} {
		if _, _, err := i.Verify(t.Context(), p.Token(c.over)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForgedTokens signs with what an attacker has: nothing, the public key as a secret, and a key of the attacker's own.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(noon)
	p := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	thief := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	claims := jwt.MapClaims{"iss": p.Issuer, "aud": "gantry", "sub": "person-1", "exp": noon.Add(time.Hour).Unix()}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	confused, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(p.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	good := p.Token(nil)
	for name, i := range map[string]*idp.Issuer{
		"published keys": issuerOf(t, p, now.Now, func(*idp.IssuerOptions) {}),
		"a fixed key":    issuerOf(t, p, now.Now, func(o *idp.IssuerOptions) { o.JWKS, o.PublicKey = "", p.PublicKey() }),
	} {
		if _, _, err := i.Verify(t.Context(), good); err != nil {
			t.Errorf("%s: a good token: %v", name, err)
		}
		for what, token := range map[string]string{
			"alg none": none, "HS256 with the public key": confused, "another key": thief.Token(map[string]any{"iss": p.Issuer}),
			"cut": good[:len(good)-3], "changed": strings.Replace(good, ".", "."+base64.RawURLEncoding.EncodeToString([]byte(`{}`)), 1),
		} {
			if _, _, err := i.Verify(t.Context(), token); !errors.Is(err, identity.ErrTokenInvalid) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
	other := issuerOf(t, p, now.Now, func(o *idp.IssuerOptions) { o.Algorithms = []string{"RS256"} })
	if _, _, err := other.Verify(t.Context(), good); !errors.Is(err, identity.ErrTokenInvalid) {
		t.Errorf("an algorithm that is not configured: %v", err)
	}
}

// TestKeysAreFetchedSparingly: tokens with made-up keys do not cost the issuer a request each, and a new key is found.
func TestKeysAreFetchedSparingly(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(noon)
	p := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	i := issuerOf(t, p, now.Now, func(*idp.IssuerOptions) {})
	thief := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	for range 20 {
		if _, _, err := i.Verify(t.Context(), thief.Token(map[string]any{"iss": p.Issuer})); err == nil {
			t.Fatal("a forged token passed")
		}
	}
	if p.KeyReads != 1 {
		t.Errorf("keys were read %d times", p.KeyReads)
	}
	p.Rotate()
	now.Advance(11 * time.Second)
	if _, _, err := i.Verify(t.Context(), p.Token(nil)); err != nil || p.KeyReads != 2 {
		t.Errorf("after a rotation: %v, keys were read %d times", err, p.KeyReads)
	}
}

func TestClaimsAreMapped(t *testing.T) {
	t.Parallel()
	now := clock.NewManual(noon)
	p := fakeidp.New(t, "gantry", "http://127.0.0.1/", now.Now)
	i := issuerOf(t, p, now.Now, func(o *idp.IssuerOptions) {
		o.Mapping = idp.Mapping{
			Source: "corp", UsernameClaim: "upn", RolesClaim: "realm_access.roles", TenantClaim: "https://corp.example/org",
			Roles: map[string]identity.Role{"boss": identity.RoleAdmin, "ops": identity.RoleOperator},
		}
	})
	org := "https://corp.example/org"
	roles := func(v any) map[string]any {
		return map[string]any{"realm_access": map[string]any{"roles": v}, org: "acme"}
	}
	for name, c := range map[string]struct {
		claims map[string]any
		want   []identity.Role
	}{
		"a list":    {roles([]any{"ops", "boss", "boss", 7, "x"}), []identity.Role{"admin", "operator"}},
		"words":     {roles("ops other"), []identity.Role{"operator"}},
		"unknown":   {roles([]any{"x"}), []identity.Role{"user"}},
		"no claim":  {map[string]any{org: "acme"}, []identity.Role{"user"}},
		"odd claim": {map[string]any{"realm_access": "boss", org: "acme"}, []identity.Role{"user"}},
	} {
		who, _, err := i.Verify(t.Context(), p.Token(c.claims))
		if diff := cmp.Diff(c.want, who.Roles); err != nil || diff != "" || who.Tenant != "acme" {
			t.Errorf("%s: %+v, %v, %s", name, who, err, diff)
		}
	}
	over := roles([]any{})
	over["upn"], over["email_verified"] = "lovelace@corp.example", "true"
	who, _, err := i.Verify(t.Context(), p.Token(over))
	if err != nil || who.Username != "lovelace@corp.example" || who.Email != "" {
		t.Errorf("an address that is not verified: %+v, %v", who, err)
	}
	if _, _, err := i.Verify(t.Context(), p.Token(map[string]any{})); !errors.Is(err, identity.ErrTenantUnknown) {
		t.Errorf("without the tenant: %v", err)
	}
}

func TestWhoseTokenItSaysItIs(t *testing.T) {
	t.Parallel()
	p := fakeidp.New(t, "gantry", "http://127.0.0.1/", clock.NewManual(noon).Now)
	i := issuerOf(t, p, clock.NewManual(noon).Now, func(*idp.IssuerOptions) {})
	for token, want := range map[string]bool{
		p.Token(nil): true, p.Token(map[string]any{"iss": "gantry"}): false, "a.b.c": false, "...": false, "": false,
		"x." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":5}`)) + ".y": false,
	} {
		if got := i.Claims(token); got != want {
			t.Errorf("%q: %v", token, got)
		}
	}
	for _, bad := range []string{"x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := idp.NewIssuer(idp.IssuerOptions{PublicKey: bad, Now: clock.NewManual(noon).Now}); err == nil {
			t.Errorf("a key like %q was taken", bad)
		}
	}
}
