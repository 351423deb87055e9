package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// grants holds every grant against what was given and taken back for it.
func (a *auditor) grants(ctx context.Context) error {
	return pages[wallet.Grant, grantRow](ctx, a, whole, func(v *wallet.Grant) int64 { return v.Number },
		func(ctx context.Context, page []wallet.Grant) error {
			refs := make([]string, len(page))
			for i := range page {
				refs[i] = page[i].ID.String()
			}
			transfers, err := all[wallet.Transfer, transferRow](ctx, a.db, func(q *bun.SelectQuery) *bun.SelectQuery {
				return q.Where("ref_type = ? AND ref_id IN (?)", wallet.RefGrant, bun.List(refs))
			})
			if err != nil {
				return err
			}
			moved := map[string]map[wallet.TransferKind]wallet.Transfer{}
			for _, v := range transfers {
				if moved[v.RefID] == nil {
					moved[v.RefID] = map[wallet.TransferKind]wallet.Transfer{}
				}
				moved[v.RefID][v.Kind] = v
			}
			for i := range page {
				a.grant(&page[i], moved[refs[i]])
			}
			return nil
		})
}

func (a *auditor) grant(v *wallet.Grant, moved map[wallet.TransferKind]wallet.Transfer) {
	row := "grant " + v.ID.String()
	given, back := moved[wallet.TransferGrant], moved[wallet.TransferExpiry]
	a.amounts("grants", row, "amount", given.Currency, given.Amount, v.Amount)
	a.amounts("grants", row, "returned", given.Currency, back.Amount, v.Returned)
	differs(a, "grants", row, "account", given.CreditAccountID, v.AccountID)
	if v.Spent < 0 || v.Left() < 0 {
		a.Add(wallet.Finding{
			Check: "grants", Row: row, Field: "spent", Expected: "between 0 and the amount",
			Actual: money.Money{Currency: given.Currency, Units: v.Spent}.String(),
		})
	}
}
