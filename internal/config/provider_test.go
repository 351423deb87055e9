package config_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/config"
)

// TestProviders: what lets people of somebody else in is complete, or it is refused.
func TestProviders(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"GANTRY_PUBLIC_URL": "https://gantry.example", "GANTRY_AUTH_IDENTITY_MODE": "hybrid",
		"GANTRY_AUTH_OIDC_ISSUER": "https://idp.example", "GANTRY_AUTH_OIDC_CLIENT_ID": "gantry",
		"GANTRY_AUTH_OIDC_ROLES": "ops=operator, chiefs = admin", "GANTRY_AUTH_TRUSTED_JWT_ISSUER": "https://idp.example",
		"GANTRY_AUTH_TRUSTED_JWT_AUDIENCE": "gantry", "GANTRY_AUTH_TRUSTED_JWT_JWKS_URL": "https://idp.example/keys",
		"GANTRY_AUTH_TRUSTED_JWT_NAME": "oidc",
	}
	for name, c := range map[string]struct{ set, to, want string }{
		"as it is":            {},
		"standalone":          {"GANTRY_AUTH_IDENTITY_MODE", "standalone", "auth.oidc.issuer: set auth.identityMode"},
		"no client":           {"GANTRY_AUTH_OIDC_CLIENT_ID", "", "auth.oidc.issuer: set auth.oidc.clientId"},
		"no way back":         {"GANTRY_PUBLIC_URL", "", "auth.oidc.issuer: set publicUrl"},
		"an odd issuer":       {"GANTRY_AUTH_OIDC_ISSUER", "idp.example", "auth.oidc.issuer: want http"},
		"an odd role":         {"GANTRY_AUTH_OIDC_ROLES", "ops=root", "auth.oidc.roles: want theirs=role"},
		"no audience":         {"GANTRY_AUTH_TRUSTED_JWT_AUDIENCE", "", "auth.trustedJwt.issuer: set auth.trustedJwt.audience"},
		"no key":              {"GANTRY_AUTH_TRUSTED_JWT_JWKS_URL", "", "auth.trustedJwt.issuer: set one of"},
		"two keys":            {"GANTRY_AUTH_TRUSTED_JWT_PUBLIC_KEY", "pem", "auth.trustedJwt.issuer: set one of"},
		"a symmetric one":     {"GANTRY_AUTH_TRUSTED_JWT_ALGORITHMS", "ES256,HS256", "auth.trustedJwt.algorithms: want algorithms of"},
		"no algorithm":        {"GANTRY_AUTH_TRUSTED_JWT_ALGORITHMS", " ", "auth.trustedJwt.algorithms: want at least one"},
		"our own issuer":      {"GANTRY_AUTH_TRUSTED_JWT_ISSUER", "gantry", "auth.trustedJwt.issuer: gantry is the issuer"},
		"one name, two sites": {"GANTRY_AUTH_TRUSTED_JWT_ISSUER", "https://other.example", "auth.trustedJwt.name: is the name of another issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(good)
			if c.set != "" {
				env[c.set] = c.to
			}
			var list []string
			for _, name := range slices.Sorted(maps.Keys(env)) {
				list = append(list, name+"="+env[name])
			}
			got, _, err := config.Load(config.Options{Env: list})
			if c.want == "" {
				want := map[string]string{"ops": "operator", "chiefs": "admin"}
				if diff := cmp.Diff(want, config.RoleMap(got.Auth.OIDC.Roles)); err != nil || diff != "" {
					t.Errorf("%v, %s", err, diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
