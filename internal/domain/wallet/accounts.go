package wallet

import (
	"context"
	"sync"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// OwnAccounts finds Gantry's own accounts by code and currency, and makes each once. It remembers them, so that settling
// a call reads no database.
type OwnAccounts struct {
	service *Service
	known   sync.Map // ownKey → id.ID
}

type ownKey struct {
	code     string
	currency money.Currency
}

// NewOwnAccounts returns an empty memory of accounts.
func NewOwnAccounts(s *Service) *OwnAccounts { return &OwnAccounts{service: s} }

// Prepare makes sure that the accounts which settlement needs in a currency exist.
func (o *OwnAccounts) Prepare(ctx context.Context, c money.Currency) error {
	if _, ok := o.known.Load(ownKey{CodeWriteoffOverrun, c}); ok {
		return nil
	}
	return o.service.store.InTx(ctx, func(t tx.Tx) error {
		for code, kind := range map[string]AccountKind{CodeRevenueUsage: KindRevenue, CodeWriteoffOverrun: KindWriteoff} {
			a, err := o.service.own(ctx, t, code, kind, c)
			if err != nil {
				return err
			}
			t.AfterCommit(func() { o.known.Store(ownKey{code, c}, a.ID) })
		}
		return nil
	})
}

// ID returns a prepared account; the zero ID when Prepare was not called for its currency.
func (o *OwnAccounts) ID(code string, c money.Currency) id.ID {
	v, ok := o.known.Load(ownKey{code, c})
	if !ok {
		return id.ID{}
	}
	return v.(id.ID) //nolint:forcetypeassert // stored above
}
