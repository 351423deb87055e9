package store

import (
	"github.com/gantry-ai/gantry/internal/domain/identity"
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
