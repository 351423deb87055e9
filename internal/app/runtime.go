package app

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway"
)

// runtimeState is what this node counts, and what policies did on any.
type runtimeState struct{ app *App }

var _ gateway.Runtime = runtimeState{}

// Windows implements gateway.Runtime.
func (r runtimeState) Windows(match func(limits.Scope) bool) []limits.WindowState {
	return r.app.limiting.windows.Windows(match)
}

// ModelStatuses implements gateway.Runtime.
func (r runtimeState) ModelStatuses() map[id.ID]relay.ModelStatus { return r.app.relay.ModelStatuses() }

// WaitingTasks implements gateway.Runtime.
func (r runtimeState) WaitingTasks(ctx context.Context) (map[id.ID]int64, error) {
	return r.app.store.Tasks().WorkWaiting(ctx)
}

// PolicyEventList implements gateway.Runtime.
func (r runtimeState) PolicyEventList(ctx context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error) {
	return r.app.store.Routing().PolicyEventList(ctx, q)
}
