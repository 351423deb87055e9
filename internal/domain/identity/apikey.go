package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

const (
	maxKeysPerUser = 100
	maxKeyList     = 200
)

// NewKey describes an API key to be made. Zero fields mean no restriction, scopes "*", no expiry.
type NewKey struct {
	Name      string
	Scopes    []string
	Models    []string
	AllowIPs  []string
	DenyIPs   []string
	ExpiresAt time.Time
	RateLimit json.RawMessage
	Quota     json.RawMessage
	// Hidden keys cannot be shown again; others keep a sealed copy for the playground.
	Hidden bool
}

// CreateKey makes a key for a user and returns its secret, which nothing but RevealKeys shows again.
// Codes: invalid_parameter with the path, api_key_limit, not_found.
func (s *Service) CreateKey(ctx context.Context, by event.Actor, owner id.ID, v NewKey) (APIKey, secret.String, error) {
	if err := s.checkKey(&v); err != nil {
		return APIKey{}, secret.String{}, err
	}
	app, err := s.Store.AppDefault(ctx, owner)
	if err != nil {
		return APIKey{}, secret.String{}, err
	}
	var key APIKey
	var text secret.String
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		keys, err := s.Store.APIKeyList(ctx, owner)
		if err == nil && len(keys) >= maxKeysPerUser {
			err = ErrKeyLimit
		}
		if err == nil {
			key, text, err = s.createKeyTx(ctx, t, by, app, v)
		}
		return err
	})
	return key, text, err
}

func (s *Service) createKeyTx(
	ctx context.Context, t tx.Tx, by event.Actor, app App, v NewKey,
) (APIKey, secret.String, error) {
	key, text, err := s.newKey(app, v)
	if err != nil {
		return APIKey{}, secret.String{}, err
	}
	if err := s.Store.APIKeyInsert(ctx, t, &key); err != nil {
		return APIKey{}, secret.String{}, err
	}
	t.AfterCommit(func() { s.Directory.forget(key.Public) })
	return key, text, s.Bus.Announce(ctx, t, keyChange(by, &key, "api_key.created", nil, viewKey(&key)))
}

func (s *Service) checkKey(v *NewKey) error {
	if v.Name == "" {
		return fault.ErrInvalid.Saying("A key needs a name.").At("name")
	}
	if len(v.Scopes) == 0 {
		v.Scopes = []string{"*"}
	}
	if !v.ExpiresAt.IsZero() && !v.ExpiresAt.After(s.Now()) {
		return fault.ErrInvalid.Saying("The expiry is not in the future.").At("expiresAt")
	}
	if len(v.Models) > maxKeyList || len(v.AllowIPs) > maxKeyList || len(v.DenyIPs) > maxKeyList {
		return fault.ErrInvalid.Saying("A key names at most 200 models, and as many addresses.")
	}
	for i, model := range v.Models {
		if err := CheckText(fmt.Sprintf("models[%d]", i), model, maxName); err != nil {
			return err
		}
	}
	_, scopesErr := ParseScopes(v.Scopes)
	_, allowErr := parsePrefixes("allowIps", v.AllowIPs)
	_, denyErr := parsePrefixes("denyIps", v.DenyIPs)
	return firstError(CheckText("name", v.Name, maxName), scopesErr, allowErr, denyErr,
		s.Policies.RateLimit("rateLimitPolicy", v.RateLimit), s.Policies.Quota("quotaPolicy", v.Quota))
}

// parsePrefixes reads CIDR blocks and single addresses.
func parsePrefixes(path string, texts []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(texts))
	for i, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(text); err == nil {
				prefix = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		if err != nil {
			return nil, fault.ErrInvalid.Saying("This is not an address or CIDR block.").At(fmt.Sprintf("%s[%d]", path, i))
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func (s *Service) newKey(app App, v NewKey) (APIKey, secret.String, error) {
	text, public := secret.NewAPIKey()
	hash := secret.Hash(text.Reveal())
	now := s.Now()
	key := APIKey{
		ID: id.At(now), TenantID: app.TenantID, UserID: app.UserID, AppID: app.ID, Name: v.Name, Public: public,
		Hash: hash[:], Playground: !v.Hidden, Scopes: v.Scopes, Status: Active, Models: v.Models, AllowIPs: v.AllowIPs,
		DenyIPs: v.DenyIPs, RateLimitPolicy: orEmpty(v.RateLimit), QuotaPolicy: orEmpty(v.Quota), ExpiresAt: v.ExpiresAt, CreatedAt: now,
		UpdatedAt: now,
	}
	if v.Hidden {
		return key, text, nil
	}
	var err error
	key.Sealed, err = s.Box.Seal([]byte(text.Reveal()), keyPlace(key.ID))
	return key, text, err
}

func keyPlace(key id.ID) string { return "api_key|" + key.String() }

// Keys lists a user's keys that are not deleted, the oldest first.
func (s *Service) Keys(ctx context.Context, owner id.ID) ([]APIKey, error) {
	return s.Store.APIKeyList(ctx, owner)
}

// DisableKey stops a key of the owner at once. Code: not_found.
func (s *Service) DisableKey(ctx context.Context, by event.Actor, owner, key id.ID) (APIKey, error) {
	return s.changeKey(ctx, by, owner, key, "api_key.disabled", Disabled)
}

// DeleteKey stops a key of the owner at once and for ever. Code: not_found.
func (s *Service) DeleteKey(ctx context.Context, by event.Actor, owner, key id.ID) error {
	_, err := s.changeKey(ctx, by, owner, key, "api_key.deleted", Deleted)
	return err
}

func (s *Service) changeKey(
	ctx context.Context, by event.Actor, owner, key id.ID, action string, status Status,
) (v APIKey, err error) {
	err = s.Store.InTx(ctx, func(t tx.Tx) error {
		if v, err = s.Store.APIKeyByID(ctx, owner, key); err != nil {
			return err
		}
		before := viewKey(&v)
		v.Status, v.UpdatedAt = status, s.Now()
		if err := s.Store.APIKeyUpdate(ctx, t, &v); err != nil {
			return err
		}
		t.AfterCommit(func() { s.Directory.forget(v.Public) })
		var after any
		if status != Deleted {
			after = viewKey(&v)
		}
		return s.Bus.Announce(ctx, t, keyChange(by, &v, action, before, after))
	})
	return v, err
}

// Revealed is a key with its secret.
type Revealed struct {
	APIKey
	Secret secret.String
}

// RevealKeys shows the owner's own keys that are active, not expired and kept for the playground. Each use is audited
// and limited: ten sessions of a user within an hour may see keys. An actor that came with an API key is refused: keys never
// reveal keys. session is zero for a credential that has none. Codes: forbidden, rate_limit.
func (s *Service) RevealKeys(ctx context.Context, by event.Actor, session id.ID) ([]Revealed, error) {
	if by.Source == SourceAPIKey || by.UserID.IsZero() {
		return nil, fault.ErrForbidden
	}
	if err := s.takeReveal(by.UserID, session); err != nil {
		return nil, err
	}
	keys, err := s.Store.APIKeyList(ctx, by.UserID)
	if err != nil {
		return nil, err
	}
	out := make([]Revealed, 0, len(keys))
	for i := range keys {
		k := &keys[i]
		if !k.Playground || len(k.Sealed) == 0 || k.Status != Active || k.expired(s.Now()) {
			continue
		}
		plain, err := s.Box.Open(k.Sealed, keyPlace(k.ID))
		if err != nil {
			return nil, err
		}
		out = append(out, Revealed{*k, secret.New(string(plain))})
	}
	return out, s.announceReveal(ctx, by, out)
}

// takeReveal counts the first time in each session against the user, and the others against the session.
func (s *Service) takeReveal(user, session id.ID) error {
	key := user.String() + session.String()
	if !s.repeats.counts(key) {
		if err := s.reveals.take(user.String()); err != nil {
			return err
		}
	}
	return s.repeats.take(key)
}

func (s *Service) announceReveal(ctx context.Context, by event.Actor, keys []Revealed) error {
	if len(keys) == 0 {
		return nil
	}
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		for i := range keys {
			if err := s.Bus.Announce(ctx, t, keyChange(by, &keys[i].APIKey, "api_key.revealed", nil, nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *APIKey) expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}
