package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/store"
)

const (
	// saveWindowsEvery bounds what a crash forgets of long rate-limit windows.
	saveWindowsEvery = 10 * time.Second
	// foldEvery is how often old use of quotas is summed up.
	foldEvery = time.Hour
	// idleBudget is after how long an unused quota leaves the memory; keepUsage how long its use is kept by the quarter.
	idleBudget = time.Hour
	keepUsage  = 40 * 24 * time.Hour
)

// limiting is what keeps calls within their limits.
type limiting struct {
	book      *limits.PolicyBook
	windows   *limits.Limiter
	budgets   *limits.Budgets
	announcer *limits.Announcer
	store     *store.Limits
	now       clock.Clock
	log       *slog.Logger
	node      string
}

// connectLimits makes what keeps calls within their limits, with the windows of before the restart.
func (a *App) connectLimits(ctx context.Context) error {
	node, err := a.nodeName()
	if err != nil {
		return err
	}
	windows, err := a.newLimiter(ctx)
	if err != nil {
		return err
	}
	a.limiting = newLimiting(a.store.Limits(), windows, &a.bus, a.now, a.journal.Flush, a.log, node)
	if err := windows.Load(ctx, a.store.Limits(), node); err != nil {
		return fmt.Errorf("rate limit windows: %w", err)
	}
	return nil
}

// newLimiting connects limits to storage. flush waits until captures are in the database; node names the windows that
// are kept over a restart.
func newLimiting(
	s *store.Limits, windows *limits.Limiter, bus *event.Bus, now clock.Clock, flush limits.Flush, log *slog.Logger, node string,
) *limiting {
	l := &limiting{
		book: limits.NewPolicyBook(s), windows: windows, announcer: limits.NewAnnouncer(s, bus, log),
		store: s, now: now, log: log, node: node,
	}
	l.budgets = limits.NewBudgets(limits.BudgetOptions{Usage: s, Flush: flush, Now: now, Notify: l.announcer.Notify})
	event.On(bus, l.onChange)
	return l
}

// guard is what the relay asks.
func (l *limiting) guard() *relay.Guard {
	return &relay.Guard{Policies: l.book, Windows: l.windows, Budgets: l.budgets}
}

// onChange forgets the policy of what was changed, once the change is committed.
func (l *limiting) onChange(_ context.Context, t tx.Tx, c event.Change) error {
	kind, ok := limits.ParseKind(c.TargetType)
	target, err := id.Parse(c.TargetID)
	if ok && err == nil {
		t.AfterCommit(func() { l.book.Forget(limits.Scope{Kind: kind, ID: target}) })
	}
	return nil
}

// run announces alerts, keeps windows and tidies up until ctx ends.
func (l *limiting) run(ctx context.Context) {
	go every(ctx, saveWindowsEvery, l.saveAndSweep)
	go every(ctx, foldEvery, l.tidy)
	l.announcer.Run(ctx)
}

func (l *limiting) saveAndSweep(ctx context.Context) {
	l.save(ctx)
	l.windows.Sweep()
}

// tidy drops what nobody needs.
func (l *limiting) tidy(ctx context.Context) {
	l.budgets.Sweep(l.now().Add(-idleBudget))
	if err := l.store.QuotaFold(ctx, l.now().Add(-keepUsage)); err != nil && ctx.Err() == nil {
		l.log.Warn("use of quotas not summed up", "error", err)
	}
}

// save keeps the long windows; the last time at the end of the drain.
func (l *limiting) save(ctx context.Context) {
	if err := l.windows.Save(ctx, l.store, l.node); err != nil && ctx.Err() == nil {
		l.log.Warn("rate-limit windows not kept", "error", err)
	}
}
