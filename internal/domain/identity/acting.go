package identity

import (
	"context"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Acting returns the principal for whom something is done that was asked for earlier: a user, or one of the user's keys. A key
// that has expired since will do; one that was disabled or deleted will not. It reads the database.
// Codes: user_disabled, tenant_disabled, key_disabled, invalid_api_key.
func (d *Directory) Acting(ctx context.Context, user, key id.ID) (*Principal, error) {
	u, err := d.store.UserByID(ctx, user)
	if errors.Is(err, fault.ErrNotFound) {
		return nil, ErrUserDisabled
	}
	if err != nil {
		return nil, err
	}
	home, err := d.home(ctx, u)
	if err != nil {
		return nil, err
	}
	p, err := d.principal(&home)
	if err != nil {
		return nil, err
	}
	if key.IsZero() {
		p.Source = SourceJWT
		return &p, home.refusal()
	}
	k, err := d.store.APIKeyByID(ctx, user, key)
	if errors.Is(err, fault.ErrNotFound) {
		return nil, ErrKeyInvalid
	}
	if err != nil {
		return nil, err
	}
	e, err := keyEntryOf(p, &k, &home)
	if err != nil {
		return nil, err
	}
	return &e.principal, e.refusal
}
