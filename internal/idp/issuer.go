package idp

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
)

// IssuerOptions say whose tokens are trusted. One of JWKS and PublicKey is set.
type IssuerOptions struct {
	Issuer   string
	Audience string // that tokens must be for
	JWKS     string // where the issuer publishes its keys
	// PublicKey is the issuer's only key, in PEM.
	PublicKey  string
	Algorithms []string // that tokens may be signed with; asymmetric ones
	Mapping    Mapping
	Now        clock.Clock
}

// Issuer reads the tokens of another issuer. It implements identity.Foreign.
type Issuer struct {
	o        IssuerOptions
	verifier *oidc.IDTokenVerifier
	client   *http.Client
}

var _ identity.Foreign = (*Issuer)(nil)

// NewIssuer returns the issuer. Errors: a key that cannot be read.
func NewIssuer(o IssuerOptions) (*Issuer, error) {
	i := &Issuer{o: o, client: newClient(o.Now)}
	keys, err := i.keys()
	if err != nil {
		return nil, err
	}
	i.verifier = oidc.NewVerifier(o.Issuer, keys, &oidc.Config{
		ClientID: o.Audience, SupportedSigningAlgs: o.Algorithms, Now: o.Now,
	})
	return i, nil
}

func (i *Issuer) keys() (oidc.KeySet, error) {
	if i.o.PublicKey == "" {
		return oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), i.client), i.o.JWKS), nil
	}
	block, _ := pem.Decode([]byte(i.o.PublicKey))
	if block == nil {
		return nil, errors.New("the public key is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the public key cannot be read: want PKIX, as in BEGIN PUBLIC KEY")
	}
	return &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}}, nil
}

// Claims implements identity.Foreign.
func (i *Issuer) Claims(token string) bool {
	parts := strings.SplitN(token, ".", 4)
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(payload, &claims) == nil && claims.Issuer == i.o.Issuer
}

// Verify implements identity.Foreign.
func (i *Issuer) Verify(ctx context.Context, token string) (identity.Person, time.Time, error) {
	id, err := i.verifier.Verify(ctx, token)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return identity.Person{}, time.Time{}, identity.ErrTokenExpired
	}
	if err != nil {
		return identity.Person{}, time.Time{}, identity.ErrTokenInvalid.Because(err)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil || id.Subject == "" {
		return identity.Person{}, time.Time{}, identity.ErrTokenInvalid.Because(err)
	}
	person, err := i.o.Mapping.person(id.Subject, claims)
	return person, id.Expiry, err
}
