package identity

import (
	"context"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Subject returns the principal that a user, or one of a user's keys, would be, whether or not it may sign in: for
// explaining what would become of its requests, never for serving them. A zero key means the user itself. Code: not_found.
func (d *Directory) Subject(ctx context.Context, user, key id.ID) (*Principal, error) {
	var of APIKey
	var err error
	if !key.IsZero() {
		if of, err = d.store.APIKeyByID(ctx, user, key); err != nil {
			return nil, err
		}
	}
	owner, err := d.store.UserByID(ctx, user)
	if err != nil {
		return nil, err
	}
	home, err := d.home(ctx, owner)
	if err != nil {
		return nil, err
	}
	p, err := d.principal(&home)
	if err != nil || key.IsZero() {
		return &p, err
	}
	entry, err := keyEntryOf(p, &of, &home)
	if err != nil {
		return nil, err
	}
	return &entry.principal, nil
}
