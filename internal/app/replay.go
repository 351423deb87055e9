package app

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/relay"
)

const (
	// tidyEvery is how often expired answers are forgotten.
	tidyEvery = time.Minute
	// forgetReplays bounds how many rows one transaction deletes.
	forgetReplays = 500
)

// replaying is how the relay keeps the answers of calls with idempotency keys.
func (a *App) replaying() *relay.Replay {
	c := a.cfg.Relay.Replay
	return &relay.Replay{
		Store: a.replayStore(), Flush: a.journal.Flush, Retention: c.Retention, MaxBytes: c.MaxBytes,
		MemoryBytes: c.MemoryBytes, Linger: c.Linger,
	}
}

// replayStore claims calls in the database where there are other nodes.
func (a *App) replayStore() tasks.ReplayStore {
	if a.node == nil {
		return a.store.Replays()
	}
	return a.store.SharedReplays(a.node.Session())
}

// tidyReplays forgets answers that have expired, in memory and in the database.
func (a *App) tidyReplays(ctx context.Context) {
	err := a.relay.TidyReplays(ctx)
	for n := forgetReplays; err == nil && n == forgetReplays; {
		n, err = a.store.Replays().ReplaysForget(ctx, a.now(), forgetReplays)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("answers for repeats not forgotten", "error", err)
	}
}
