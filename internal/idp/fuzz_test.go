package idp_test

import (
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/idp"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// publicKey is a key whose private half nobody has any more.
const publicKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`

// FuzzTokens presents anything as a token of a trusted issuer: without the issuer's private key nobody is let in.
func FuzzTokens(f *testing.F) {
	i, err := idp.NewIssuer(idp.IssuerOptions{
		Issuer: "https://idp.example", Audience: "gantry", PublicKey: publicKey, Algorithms: []string{"ES256"}, Now: clock.NewManual(noon).Now,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjoiZ2FudHJ5Iiwic3ViIjoiYSIsImV4cCI6OTk5OTk5OTk5OX0.")
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjpbImdhbnRyeSJdfQ.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if i.Claims(token) && strings.Count(token, ".") != 2 {
			t.Errorf("%q is taken for a token", token)
		}
		if who, _, err := i.Verify(t.Context(), token); err == nil {
			t.Errorf("%q lets %+v in", token, who)
		}
	})
}
