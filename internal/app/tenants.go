package app

import (
	"context"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// onTenantChanged gives the wallets of a tenant the overdraft that its policies name, once the change is committed. A wallet
// that is further below zero keeps what it has, which is logged.
func (a *App) onTenantChanged(ctx context.Context, t tx.Tx, c event.Change) error {
	tenant, err := id.Parse(c.TargetID)
	if c.Action != "tenant.changed" || err != nil {
		return nil //nolint:nilerr // not about a tenant that has wallets
	}
	t.AfterCommit(func() {
		if err := a.applyOverdrafts(context.WithoutCancel(ctx), c.Actor, tenant); err != nil {
			a.log.Warn("overdrafts of a tenant not applied to all wallets", "tenant", tenant, "error", err)
		}
	})
	return nil
}

func (a *App) applyOverdrafts(ctx context.Context, by event.Actor, tenant id.ID) error {
	v, err := a.store.Identity().TenantByID(ctx, tenant)
	if err != nil {
		return err
	}
	return a.wallets.ApplyOverdrafts(ctx, by, tenant, v.Policies)
}
