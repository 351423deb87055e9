// Package fakeidp is an OpenID Connect provider for tests that refuses whatever the specifications let it refuse: redirects
// that are not registered, requests without state, nonce or PKCE, codes that were used, secrets and verifiers that do not
// match. Source: OpenID Connect Core 1.0; RFC 6749; RFC 7636; RFC 9207.
package fakeidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ClientSecret is the secret of the one client.
const ClientSecret = "the secret of the client"

// Provider is a provider with one client and one person, who is signed in and agrees to everything.
type Provider struct {
	Issuer      string
	ClientID    string
	RedirectURI string
	// Claims are put into every token, over those that belong there.
	Claims map[string]any
	// Refuse is the error that the person's refusal is answered with; "" for none.
	Refuse string
	// KeyReads counts how often the keys were read.
	KeyReads int

	mu    sync.Mutex
	key   *ecdsa.PrivateKey
	kid   string
	codes map[string]grant
	now   func() time.Time
	t     *testing.T
}

type grant struct {
	nonce, challenge, redirect string
}

// New starts a provider that ends with the test.
func New(t *testing.T, clientID, redirectURI string, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{
		ClientID: clientID, RedirectURI: redirectURI, codes: map[string]grant{}, now: now, t: t,
		Claims: map[string]any{"sub": "person-1", "preferred_username": "ada", "name": "Ada", "email": "ada@idp.example", "email_verified": true},
	}
	p.Rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	return p
}

// Rotate replaces the key that tokens are signed with.
func (p *Provider) Rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, rand.Text()
}

// PublicKey returns the present key in PEM.
func (p *Provider) PublicKey() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// JWKS is where the keys are.
func (p *Provider) JWKS() string { return p.Issuer + "/keys" }

// Token signs claims over those of the person; nil removes a claim.
func (p *Provider) Token(over map[string]any) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := jwt.MapClaims{
		"iss": p.Issuer, "aud": p.ClientID, "iat": p.now().Unix(), "exp": p.now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, p.Claims)
	maps.Copy(claims, over)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = p.kid
	text, err := token.SignedString(crypto.PrivateKey(p.key))
	if err != nil {
		p.t.Error(err)
	}
	return text
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token",
		"jwks_uri": p.JWKS(), "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
		"code_challenge_methods_supported":      []string{"S256"}, "authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.KeyReads++
	point, err := p.key.PublicKey.Bytes()
	if err != nil {
		p.t.Error(err)
	}
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": p.kid, "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
}

// authorize sends the browser back with a code.
func (p *Provider) authorize(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	if q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.RedirectURI {
		http.Error(w, "the client or where it wants to go is not registered", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	switch {
	case p.Refuse != "":
		back.Set("error", p.Refuse)
	case q.Get("response_type") != "code" || q.Get("state") == "" || q.Get("nonce") == "" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || !hasScope(q.Get("scope"), "openid"):
		back.Set("error", "invalid_request")
	default:
		code := rand.Text()
		p.mu.Lock()
		p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
		p.mu.Unlock()
		back.Set("code", code)
	}
	http.Redirect(w, req, p.RedirectURI+"?"+back.Encode(), http.StatusFound)
}

// token gives an ID token for a code, once.
func (p *Provider) token(w http.ResponseWriter, req *http.Request) {
	id, secret, ok := req.BasicAuth()
	if !ok {
		id, secret = req.PostFormValue("client_id"), req.PostFormValue("client_secret")
	}
	wanted := url.QueryEscape(ClientSecret)
	if id != p.ClientID || (secret != wanted && secret != ClientSecret) {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := req.PostFormValue("code")
	p.mu.Lock()
	g, known := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(req.PostFormValue("code_verifier")))
	if !known || req.PostFormValue("grant_type") != "authorization_code" || req.PostFormValue("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	half := sha256.Sum256([]byte(access))
	token := p.Token(map[string]any{"nonce": p.nonce(g), "at_hash": base64.RawURLEncoding.EncodeToString(half[:16])})
	answer(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token,
	})
}

// nonce is the one of the request, unless Claims says otherwise.
func (p *Provider) nonce(g grant) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.Claims["nonce"]; ok {
		return v
	}
	return g.nonce
}

func hasScope(scopes, want string) bool { return slices.Contains(strings.Fields(scopes), want) }

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
