package store

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Identity implements identity.Store.
type Identity struct{ *database }

var _ identity.Store = (*Identity)(nil)

// present selects rows that are not deleted.
const present = " AND status <> 'deleted'"

// ofRealm narrows a condition to the tenants of a realm, which column names.
func ofRealm(r identity.Realm, column, where string, args ...any) (narrowed string, values []any) {
	if r.All() {
		return where, args
	}
	return where + " AND " + column + " = ?", append(args, r.Tenant())
}

// locked is one for a row that nobody else changes until t ends. SQLite's transactions run one after another anyway.
func locked[V any, R row[V]](ctx context.Context, d *database, t tx.Tx, where string, args ...any) (V, error) {
	var r R
	query := in(t).NewSelect().Model(&r).Where(where, args...).Limit(1)
	if d.engine == postgres {
		query.For("NO KEY UPDATE")
	}
	if err := query.Scan(ctx); err != nil {
		var none V
		return none, failure(err)
	}
	return r.value(), nil
}
