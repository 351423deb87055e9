package app

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/relay"
)

// shelving makes the place where answers are kept; nil when none are to be.
func (a *App) shelving() relay.Shelf {
	a.shelf = &tasks.Shelf{Store: a.store.Kept(), Flush: a.journal.Flush, Now: a.now, Retention: a.cfg.Responses.Retention}
	if a.cfg.Responses.Retention == 0 {
		return nil
	}
	return a.shelf
}

// tidyShelf forgets the answers whose time is over.
func (a *App) tidyShelf(ctx context.Context) {
	n, err := a.shelf.Tidy(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("kept answers not forgotten", "error", err)
	}
	if n > 0 {
		a.log.Info("kept answers forgotten", "count", n)
	}
}
