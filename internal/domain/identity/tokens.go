package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

const (
	tokenIssuer   = "gantry"
	tokenAudience = "gantry"
	// maxToken bounds what is parsed; ours have about 500 bytes.
	maxToken = 4096
	// MinTokenSecret is the length in bytes below which a signing secret is refused.
	MinTokenSecret = 32
)

// ErrTokenSecret says that a signing secret is too short.
var ErrTokenSecret = errors.New("identity: a token secret has at least 32 bytes")

// Claims are what a token says. Roles and tenant are for clients to read; Gantry asks its own rows for them.
type Claims struct {
	UserID         id.ID
	SessionID      id.ID
	SessionVersion int64
	Roles          []Role
	TenantID       id.ID
	IssuedAt       time.Time
	ExpiresAt      time.Time
}

type jwtClaims struct {
	jwt.RegisteredClaims
	SessionID      string `json:"sid"`
	SessionVersion int64  `json:"ver"`
	Roles          []Role `json:"roles"`
	TenantID       string `json:"tenant"`
}

// Tokens signs and reads bearer tokens: JWTs of one algorithm, HS256, with keys named by "kid" from this process only.
type Tokens struct {
	current string
	keys    map[string][]byte
	now     clock.Clock
	parser  *jwt.Parser
}

// NewTokens signs with current and also accepts what previous secrets have signed. Error: ErrTokenSecret.
func NewTokens(now clock.Clock, current []byte, previous ...[]byte) (*Tokens, error) {
	t := &Tokens{current: keyName(current), keys: map[string][]byte{}, now: now}
	for _, secret := range append([][]byte{current}, previous...) {
		if len(secret) < MinTokenSecret {
			return nil, ErrTokenSecret
		}
		t.keys[keyName(secret)] = secret
	}
	t.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(),
		jwt.WithIssuer(tokenIssuer), jwt.WithAudience(tokenAudience), jwt.WithTimeFunc(now), jwt.WithIssuedAt())
	return t, nil
}

// keyName is the "kid" of a secret. It is a keyed hash, so that it tells nothing of the secret.
func keyName(secret []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("gantry/token-key-name"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Issue signs a token. IssuedAt is the present; ExpiresAt must be set.
func (t *Tokens) Issue(c Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwtClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: tokenIssuer, Audience: jwt.ClaimStrings{tokenAudience}, Subject: c.UserID.String(), ID: id.At(t.now()).String(),
			IssuedAt: jwt.NewNumericDate(t.now()), ExpiresAt: jwt.NewNumericDate(c.ExpiresAt),
		},
		SessionID: c.SessionID.String(), SessionVersion: c.SessionVersion, Roles: c.Roles, TenantID: c.TenantID.String(),
	})
	token.Header["kid"] = t.current
	return token.SignedString(t.keys[t.current])
}

// Parse checks a token's signature, issuer, audience and times. Codes: invalid_token, token_expired.
func (t *Tokens) Parse(token string) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, ErrTokenInvalid
	}
	var c jwtClaims
	_, err := t.parser.ParseWithClaims(token, &c, t.key)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return Claims{}, ErrTokenExpired
	}
	if err != nil {
		return Claims{}, ErrTokenInvalid.Because(err)
	}
	return c.claims()
}

func (t *Tokens) key(token *jwt.Token) (any, error) {
	kid, _ := token.Header["kid"].(string)
	if key, ok := t.keys[kid]; ok {
		return key, nil
	}
	return nil, jwt.ErrTokenUnverifiable
}

func (c *jwtClaims) claims() (Claims, error) {
	user, userErr := id.Parse(c.Subject)
	session, sessionErr := id.Parse(c.SessionID)
	if errors.Join(userErr, sessionErr) != nil || c.IssuedAt == nil {
		return Claims{}, ErrTokenInvalid
	}
	tenant, _ := id.Parse(c.TenantID)
	return Claims{
		UserID: user, SessionID: session, SessionVersion: c.SessionVersion, Roles: c.Roles, TenantID: tenant,
		IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time,
	}, nil
}
