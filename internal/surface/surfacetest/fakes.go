package surfacetest

import (
	"context"
	"slices"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/audit"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Audit keeps entries in memory; it implements audit.Store.
type Audit struct {
	mu      sync.Mutex
	entries []audit.Entry
}

// EntryInsert implements audit.Store.
func (a *Audit) EntryInsert(_ context.Context, _ tx.Tx, v *audit.Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(a.entries, *v)
	return nil
}

// EntryList implements audit.Store.
func (a *Audit) EntryList(_ context.Context, q audit.Query) ([]audit.Entry, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []audit.Entry
	for _, e := range slices.Backward(a.entries) {
		if (q.Category == "" || q.Category == e.Category) && (q.Action == "" || q.Action == e.Action) &&
			(q.TargetType == "" || q.TargetType == e.TargetType) && (q.TargetID == "" || q.TargetID == e.TargetID) &&
			len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

// Tasks keeps calls in memory. List filters by owner alone and remembers what it was asked.
type Tasks struct {
	Rows  []tasks.Task
	Asked tasks.Query
	// Listed is told when events were read and there were some; nobody needs to listen.
	Listed chan struct{}

	mu     sync.Mutex
	events []tasks.Event
}

// Tell adds events.
func (f *Tasks) Tell(events ...tasks.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, events...)
}

// EventList implements tasks.Store.
func (f *Tasks) EventList(_ context.Context, task id.ID, after int64) (out []tasks.Event, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.TaskID == task && e.Sequence > after {
			out = append(out, e)
		}
	}
	if len(out) > 0 {
		select {
		case f.Listed <- struct{}{}:
		default:
		}
	}
	return out, nil
}

// Cancel implements the surfaces' view of asynchronous tasks.
func (f *Tasks) Cancel(ctx context.Context, _ event.Actor, user, task id.ID) (tasks.Task, error) {
	v, err := f.TaskByID(ctx, user, task)
	switch {
	case err != nil:
		return v, err
	case v.Status.Final():
		return v, tasks.ErrEnded
	case v.Status == tasks.Queued:
		v.Status = tasks.Canceled
	}
	return v, nil
}

// TaskByID implements tasks.Store.
func (f *Tasks) TaskByID(_ context.Context, user, task id.ID) (tasks.Task, error) {
	for _, t := range f.Rows {
		if t.ID == task && t.UserID == user {
			return t, nil
		}
	}
	return tasks.Task{}, fault.ErrNotFound
}

// TaskList implements tasks.Store.
func (f *Tasks) TaskList(_ context.Context, q tasks.Query) (page.Page[tasks.Task], error) {
	f.Asked = q
	mine := []tasks.Task{}
	for _, t := range f.Rows {
		if t.UserID == q.User {
			mine = append(mine, t)
		}
	}
	return page.Of(q.Page, mine, int64(len(mine))), nil
}

// Wallets keeps wallets in memory, with the rules that surfaces can see.
type Wallets struct {
	w         *World
	accounts  []wallet.Account
	entries   []wallet.Entry
	Transfers []wallet.Transfer
	Asked     wallet.EntryQuery
}

// Primary is the currency of everybody's main wallet.
func (f *Wallets) Primary() money.Currency { return money.USD }

// Accounts implements the surfaces' view of wallets.
func (f *Wallets) Accounts(_ context.Context, users ...id.ID) ([]wallet.Account, error) {
	var out []wallet.Account
	for _, a := range f.accounts {
		if slices.Contains(users, a.UserID) {
			out = append(out, a)
		}
	}
	return out, nil
}

// Entries implements the surfaces' view of wallets.
func (f *Wallets) Entries(_ context.Context, q wallet.EntryQuery) (page.Page[wallet.Entry], error) {
	f.Asked = q
	mine := []wallet.Entry{}
	for _, e := range f.entries {
		if e.UserID == q.User {
			mine = append(mine, e)
		}
	}
	return page.Of(q.Page, mine, int64(len(mine))), nil
}

// TransfersOf implements the surfaces' view of the ledger.
func (f *Wallets) TransfersOf(_ context.Context, refType, refID string) ([]wallet.Transfer, error) {
	var out []wallet.Transfer
	for _, t := range f.Transfers {
		if t.RefType == refType && t.RefID == refID {
			out = append(out, t)
		}
	}
	return out, nil
}

// SetBalance implements the surfaces' view of wallets.
func (f *Wallets) SetBalance(ctx context.Context, by event.Actor, in wallet.SetBalance) (wallet.Adjustment, error) {
	a := f.account(in)
	if in.Target < a.Held {
		return wallet.Adjustment{}, wallet.ErrFrozen
	}
	out := wallet.Adjustment{Before: *a}
	delta := in.Target - a.Posted
	a.Posted, a.Credited, a.UpdatedAt = in.Target, a.Credited+max(0, delta), f.w.Clock.Now()
	out.After = *a
	out.Entry = wallet.Entry{
		Transfer: wallet.Transfer{
			ID: id.At(f.w.Clock.Now()), At: f.w.Clock.Now(), Kind: wallet.TransferAdjustment, Currency: in.Currency,
			Amount: max(delta, -delta), RefType: "adjustment", RefID: in.IdempotencyKey, Reason: in.Reason,
		},
		AccountID: a.ID, UserID: a.UserID, TenantID: a.TenantID, Credit: delta > 0, BalanceBefore: out.Before.Posted,
		BalanceAfter: out.After.Posted,
	}
	f.entries = append(f.entries, out.Entry)
	return out, f.w.Service.Store.InTx(ctx, func(t tx.Tx) error {
		return f.w.Bus.Announce(ctx, t, event.Change{
			Actor: by, Category: "wallet", Action: "wallet.balance_set", TargetType: "wallet", TargetID: a.ID.String(),
			Reason: in.Reason, Metadata: map[string]any{"idempotencyKey": in.IdempotencyKey},
		})
	})
}

func (f *Wallets) account(in wallet.SetBalance) *wallet.Account {
	for i := range f.accounts {
		if f.accounts[i].UserID == in.UserID && f.accounts[i].Currency == in.Currency {
			return &f.accounts[i]
		}
	}
	now := f.w.Clock.Now()
	f.accounts = append(f.accounts, wallet.Account{
		ID: id.At(now), Number: int64(len(f.accounts)), Kind: wallet.KindWallet, Currency: in.Currency, UserID: in.UserID,
		TenantID: in.TenantID, Status: "active", CreatedAt: now, UpdatedAt: now,
	})
	return &f.accounts[len(f.accounts)-1]
}
