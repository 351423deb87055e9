package limits

import (
	"context"
	"log/slog"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Reached says how far a scope has used a quota's period.
type Reached struct {
	Scope    Scope
	Currency money.Currency
	Period   Period
	Limit    money.Amount
	Used     money.Amount
	At       time.Time
}

// SoftReached says that a scope's use has reached the share at which its policy wants an alert: once per period.
type SoftReached struct{ Reached }

// Exhausted says that a quota refused a request for the first time in its period.
type Exhausted struct{ Reached }

func reached(c *claim, p Period, t *tally, r *Reservation) Reached {
	return Reached{
		Scope: c.scope, Currency: r.currency, Period: p, Limit: c.quota.Bounds[p].Limit, Used: t.used, At: r.at,
	}
}

// exhaust returns the event of a refusal, and whether it is the first of its period. The budget is locked.
func (r *Reservation) exhaust(why refusal) (first bool, e Exhausted) {
	c := &r.claims[why.claim]
	t := &c.budget.periods[why.period]
	first = !t.hard
	t.hard = true
	return first, Exhausted{reached(c, why.period, t, r)}
}

func (b *Budgets) tell(e any) {
	if b.notify != nil {
		b.notify(e)
	}
}

// Announcer carries events from the hot path, where no transaction is open, to the bus.
type Announcer struct {
	runner tx.Runner
	bus    *event.Bus
	log    *slog.Logger
	queue  chan any
}

// maxQueue is how many events may wait; there is at most one per quota, period and threshold.
const maxQueue = 1024

// NewAnnouncer returns an announcer; Run carries its events.
func NewAnnouncer(r tx.Runner, bus *event.Bus, log *slog.Logger) *Announcer {
	return &Announcer{runner: r, bus: bus, log: log, queue: make(chan any, maxQueue)}
}

// Notify takes an event. It never blocks: should more wait than there is room for, the event is logged and dropped.
func (a *Announcer) Notify(e any) {
	select {
	case a.queue <- e:
	default:
		a.log.Warn("limit event dropped", "event", e)
	}
}

// Run announces events until ctx ends.
func (a *Announcer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-a.queue:
			err := a.runner.InTx(ctx, func(t tx.Tx) error { return a.bus.Announce(ctx, t, e) })
			if err != nil && ctx.Err() == nil {
				a.log.Error("limit event not announced", "event", e, "error", err)
			}
		}
	}
}
