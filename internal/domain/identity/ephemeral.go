package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// EphemeralPrefix begins every ephemeral key.
const EphemeralPrefix = "ek_"

// Ephemerals makes keys that stand for another credential for a short time and one purpose, so that they may be given to
// programs that must not have the credential, such as pages in a browser.
//
// Such a key is a sealed note of whom it stands for: nothing is stored, so there is nothing to clean up, and it ends with what
// it stands for. It cannot be revoked by itself, which is why it is short-lived. Source: decision 0035.
type Ephemerals struct {
	box    *secret.Box
	acting func(ctx context.Context, user, key id.ID) (*Principal, error)
	now    clock.Clock
}

// NewEphemerals returns a maker of keys for one purpose. The box must be for that purpose alone; acting is Directory.Acting.
func NewEphemerals(
	box *secret.Box, acting func(ctx context.Context, user, key id.ID) (*Principal, error), now clock.Clock,
) *Ephemerals {
	return &Ephemerals{box, acting, now}
}

// Ephemeral is what an ephemeral key says.
type Ephemeral struct {
	UserID  id.ID     `json:"u"`
	KeyID   id.ID     `json:"k"` // zero: it stands for a user who has signed in
	Expires time.Time `json:"e"`
	// Use is what it is for, in the words of whoever had it made.
	Use json.RawMessage `json:"f"`
}

// place is where these notes belong: sealed for here, they open nowhere else.
const place = "ephemeral"

// Make returns a key that stands for a principal for a while. use is JSON.
func (e *Ephemerals) Make(p *Principal, life time.Duration, use []byte) (key secret.String, expires time.Time, err error) {
	expires = e.now().Add(life).Truncate(time.Second)
	note, err := json.Marshal(Ephemeral{UserID: p.UserID, KeyID: p.KeyID, Expires: expires, Use: use})
	if err != nil {
		return secret.String{}, expires, err
	}
	sealed, err := e.box.Seal(note, place)
	if err != nil {
		return secret.String{}, expires, err
	}
	return secret.New(EphemeralPrefix + base64.RawURLEncoding.EncodeToString(sealed)), expires, nil
}

// Read returns what a key says. Codes: invalid_api_key, key_expired.
func (e *Ephemerals) Read(token string) (Ephemeral, error) {
	var note Ephemeral
	text, ok := strings.CutPrefix(token, EphemeralPrefix)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return note, ErrKeyInvalid
	}
	plain, err := e.box.Open(sealed, place)
	if err != nil || json.Unmarshal(plain, &note) != nil {
		return Ephemeral{}, ErrKeyInvalid
	}
	if !e.now().Before(note.Expires) {
		return Ephemeral{}, ErrKeyExpired
	}
	return note, nil
}

// Holder returns whom a key stands for, as long as that may call. It reads the database.
// Codes: key_expired, and those of Directory.Acting.
func (e *Ephemerals) Holder(ctx context.Context, note *Ephemeral) (*Principal, error) {
	p, err := e.acting(ctx, note.UserID, note.KeyID)
	if err != nil {
		return nil, err
	}
	if !p.ExpiresAt.IsZero() && !e.now().Before(p.ExpiresAt) {
		return nil, ErrKeyExpired
	}
	return p, nil
}
