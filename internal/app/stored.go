package app

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/relay"
)

// shelving makes the place where answers are kept, and videos until their files end.
func (a *App) shelving() relay.Shelf {
	a.shelf = &tasks.Shelf{Store: a.store.Kept(), Flush: a.journal.Flush, Now: a.now, Retention: map[inference.Kind]time.Duration{
		inference.Responses: a.cfg.Responses.Retention, inference.VideoGenerations: a.cfg.Media.Retention,
	}}
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
