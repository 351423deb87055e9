package vertex

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/oauth"
)

// serviceAccount is the file that Google hands out.
type serviceAccount struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	TokenURI     string `json:"token_uri"`

	key      *rsa.PrivateKey
	tokenURL *url.URL
}

const accountField = "credentials.serviceAccount"

// parseServiceAccount reads the file. Code: provider_config_invalid; no message repeats anything of it.
func parseServiceAccount(text secret.String) (*serviceAccount, error) {
	var s serviceAccount
	if json.Unmarshal([]byte(text.Reveal()), &s) != nil {
		return nil, provider.FaultConfig(accountField, "The JSON of a service account is required.")
	}
	if s.Type != "service_account" || s.ClientEmail == "" || s.PrivateKey == "" {
		return nil, provider.FaultConfig(accountField, "The JSON is not that of a service account with a private key.")
	}
	block, _ := pem.Decode([]byte(s.PrivateKey))
	if block == nil {
		return nil, provider.FaultConfig(accountField, "The private key is not in PEM.")
	}
	if s.key = parseKey(block.Bytes); s.key == nil || s.key.N.BitLen() < 2048 {
		return nil, provider.FaultConfig(accountField, "The private key is not an RSA key of at least 2048 bits.")
	}
	return &s, nil
}

func parseKey(der []byte) *rsa.PrivateKey {
	if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		key, _ := parsed.(*rsa.PrivateKey)
		return key
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil
	}
	return key
}

// defaultTokenURL is where Google issues tokens.
const defaultTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

// tokenAddress is where tokens are issued. The file's own word counts only where it is Google's: a file from elsewhere must not
// decide whom we call and hand a signed assertion. Code: provider_config_invalid.
func tokenAddress(configured, byFile string) (*url.URL, error) {
	if configured != "" {
		u, err := url.Parse(configured)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, provider.FaultConfig("config.tokenUrl", "The address must be http or https, without user, query or fragment.")
		}
		return u, nil
	}
	if byFile == "" {
		byFile = defaultTokenURL
	}
	u, err := url.Parse(byFile)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.RawQuery != "" || !isGoogles(u.Hostname()) {
		return nil, provider.FaultConfig(accountField, "The account's token endpoint is not Google's. Name it in the settings if it is right.")
	}
	return u, nil
}

func isGoogles(host string) bool {
	return host == "accounts.google.com" || strings.HasSuffix(host, ".googleapis.com")
}

// id tells accounts apart without keeping their keys.
func (s *serviceAccount) id() [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{s.ClientEmail, s.PrivateKeyID, s.PrivateKey, s.tokenURL.String()}, "\x00")))
}

const (
	scope         = "https://www.googleapis.com/auth/cloud-platform"
	assertionLife = time.Hour
)

type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// oauth is the account as one who gets tokens.
func (s *serviceAccount) oauth() *oauth.Account {
	return &oauth.Account{ID: s.id(), Endpoint: s.tokenURL, Form: func(now time.Time) (url.Values, error) {
		assertion, err := s.assertion(now)
		return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}, err
	}}
}

// assertion is what a token is asked for with: signed, for the token endpoint alone, and for an hour.
func (s *serviceAccount) assertion(now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.ClientEmail, Audience: jwt.ClaimStrings{s.tokenURL.String()},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife)),
		},
		Scope: scope,
	})
	t.Header["kid"] = s.PrivateKeyID
	return t.SignedString(s.key)
}
