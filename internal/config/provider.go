package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// asymmetric are the algorithms of which knowing what checks a token does not let anybody make one.
var asymmetric = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}

// roleNames are the roles that people can have.
var roleNames = []string{"admin", "operator", "finance", "support", "supplier", "user"}

var errStandalone = errors.New("set auth.identityMode to hybrid or external: standalone knows local accounts only")

func (c Config) oidc() error {
	o := c.Auth.OIDC
	switch {
	case o.Issuer == "":
		return nil
	case c.Auth.IdentityMode == "standalone":
		return errStandalone
	case o.ClientID == "":
		return errors.New("set auth.oidc.clientId")
	case c.PublicURL == "":
		return errors.New("set publicUrl: the provider sends people back there")
	}
	return webURL(o.Issuer)
}

func (c Config) trustedJWT() error {
	t := c.Auth.TrustedJWT
	switch {
	case t.Issuer == "":
		return nil
	case c.Auth.IdentityMode == "standalone":
		return errStandalone
	case t.Audience == "":
		return errors.New("set auth.trustedJwt.audience: tokens for others must not be good here")
	case (t.JWKSURL == "") == (t.PublicKey == ""):
		return errors.New("set one of auth.trustedJwt.jwksUrl and auth.trustedJwt.publicKey")
	case t.Issuer == "gantry":
		return errors.New("gantry is the issuer of this installation's own tokens")
	}
	return nil
}

// issuerName keeps subjects of two issuers apart: with the name they tell who somebody is.
func (c Config) issuerName() error {
	t, o := c.Auth.TrustedJWT, c.Auth.OIDC
	if t.Name == o.Name && t.Issuer != "" && o.Issuer != "" && t.Issuer != o.Issuer {
		return errors.New("is the name of another issuer, auth.oidc.name")
	}
	return notEmpty(t.Name)
}

func algorithms(s string) error {
	list := Words(s)
	if len(list) == 0 {
		return errors.New("want at least one algorithm")
	}
	for _, a := range list {
		if !slices.Contains(asymmetric, a) {
			return fmt.Errorf("want algorithms of %s", strings.Join(asymmetric, ", "))
		}
	}
	return nil
}

// Words splits a list that is parted by commas or spaces.
func Words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func rolePairs(s string) error {
	_, err := parseRoles(s)
	return err
}

// RoleMap returns roles by what a provider calls them. That of a loaded Config is valid.
func RoleMap(s string) map[string]string {
	out, _ := parseRoles(s)
	return out
}

func parseRoles(s string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		theirs, ours, ok := strings.Cut(pair, "=")
		theirs, ours = strings.TrimSpace(theirs), strings.TrimSpace(ours)
		if !ok || theirs == "" || !slices.Contains(roleNames, ours) {
			return nil, fmt.Errorf("want theirs=role,theirs=role with roles of %s", strings.Join(roleNames, ", "))
		}
		out[theirs] = ours
	}
	return out, nil
}
