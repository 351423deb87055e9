package fakegemini

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gantry-ai/gantry/internal/testkit/tokendesk"
)

// TokenPath is where tokens are issued.
const TokenPath = "/token"

// Scope is what tokens must be asked for.
const Scope = "https://www.googleapis.com/auth/cloud-platform"

// Account is a service account.
type Account struct {
	Email, KeyID, Project string
	// Audience is what assertions must be made out to: the address of the token endpoint. Empty means that it is not set yet
	// and nothing is accepted.
	Audience string

	key *rsa.PrivateKey
}

// keys are made once: it takes a while.
var keys = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// NewAccount returns an account of a project.
func NewAccount(project string) *Account {
	return &Account{Email: "gantry@" + project + ".iam.gserviceaccount.com", KeyID: "fakekey0123456789", Project: project, key: keys()}
}

// JSON is the account as Google hands it out, with the address of its token endpoint.
func (a *Account) JSON(tokenURI string) string {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		panic(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	out, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": a.Project, "private_key_id": a.KeyID, "private_key": string(text),
		"client_email": a.Email, "client_id": "100000000000000000000", "token_uri": tokenURI,
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "universe_domain": "googleapis.com",
	})
	if err != nil {
		panic(err)
	}
	return string(out)
}

// TokenLife is how long a token is good for.
const TokenLife = tokendesk.Life

// Issued is how many tokens were issued.
func (s *Server) Issued() int { return s.desk.Issued() }

// Revoke ends all tokens that were issued.
func (s *Server) Revoke() { s.desk.Revoke() }

// RefuseTokens has the token endpoint refuse with an OAuth error, such as "invalid_grant"; "" ends that.
func (s *Server) RefuseTokens(oauthError string) { s.desk.Refuse(oauthError) }

// issue serves the token endpoint: it verifies the assertion as Google does.
func (s *Server) issue(e *exchange) {
	form, err := url.ParseQuery(string(e.body))
	switch {
	case e.R.Method != http.MethodPost || !strings.HasPrefix(e.R.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || err != nil:
		oauthError(e, "invalid_request", "Bad Request")
		return
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		oauthError(e, "unsupported_grant_type", "Invalid grant_type: "+form.Get("grant_type"))
		return
	case s.desk.Refusal() != "":
		oauthError(e, s.desk.Refusal(), "Invalid JWT Signature.")
		return
	}
	if err := s.verify(form.Get("assertion")); err != nil {
		oauthError(e, "invalid_grant", err.Error())
		return
	}
	writeJSON(e, http.StatusOK, object{"access_token": s.desk.New("ya29.fake-token-", s.options.Clock()), "expires_in": int(TokenLife / time.Second), "token_type": "Bearer"})
}

type assertion struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// verify checks signature, key, issuer, audience, scope and times.
func (s *Server) verify(text string) error {
	account := s.options.Account
	if account == nil || account.Audience == "" {
		return jwt.ErrTokenUnverifiable
	}
	var claims assertion
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(account.Email), jwt.WithAudience(account.Audience),
		jwt.WithIssuedAt(), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.options.Clock))
	_, err := parser.ParseWithClaims(text, &claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != account.KeyID || t.Header["typ"] != "JWT" {
			return nil, jwt.ErrTokenUnverifiable
		}
		return &account.key.PublicKey, nil
	})
	switch {
	case err != nil:
		return err
	case claims.Scope != Scope, claims.IssuedAt == nil, claims.ExpiresAt.Sub(claims.IssuedAt.Time) > time.Hour:
		return jwt.ErrTokenInvalidClaims
	}
	return nil
}

func oauthError(w http.ResponseWriter, code, description string) {
	writeJSON(w, http.StatusBadRequest, object{"error": code, "error_description": description})
}
