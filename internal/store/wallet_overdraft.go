package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// OverdraftSet implements wallet.Store.
func (s *Wallet) OverdraftSet(ctx context.Context, t tx.Tx, account id.ID, amount money.Amount) error {
	return touched(in(t).NewUpdate().Table("account").
		Set("overdraft = ?, updated_at = ?", amount, stampOf(s.clock())).Where("id = ?", account).Exec(ctx))
}

// WalletsOfTenant implements wallet.Store.
func (s *Wallet) WalletsOfTenant(ctx context.Context, tenant id.ID, c money.Currency) ([]wallet.Account, error) {
	return all[wallet.Account, accountRow](ctx, s.reader, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("tenant_id = ? AND currency = ? AND kind = 'wallet'", tenant, c).Order("number")
	})
}

// TenantPolicies implements wallet.Store.
func (s *Wallet) TenantPolicies(ctx context.Context, t tx.Tx, tenant id.ID) (json.RawMessage, error) {
	v, err := one[identity.Tenant, tenantRow](ctx, s.from(t), "id = ?"+present, tenant)
	if errors.Is(err, fault.ErrNotFound) {
		return nil, nil
	}
	return v.Policies, err
}
