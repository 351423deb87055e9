package surfacetest

import (
	"context"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/relay"
)

// Runtime holds what a node would count. Events are the newest first; the last query is in Asked.
type Runtime struct {
	Counted  []limits.WindowState
	Statuses map[id.ID]relay.ModelStatus
	Events   []routing.PolicyEvent
	Asked    routing.EventQuery
	Waiting  map[id.ID]int64
}

// Windows implements the surfaces' view of limits.
func (r *Runtime) Windows(func(limits.Scope) bool) []limits.WindowState { return r.Counted }

// ModelStatuses implements the surfaces' view of the relay.
func (r *Runtime) ModelStatuses() map[id.ID]relay.ModelStatus { return r.Statuses }

// WaitingTasks implements the surfaces' view of what waits.
func (r *Runtime) WaitingTasks(context.Context) (map[id.ID]int64, error) { return r.Waiting, nil }

// PolicyEventList implements the surfaces' view of what policies did.
func (r *Runtime) PolicyEventList(_ context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error) {
	r.Asked = q
	out := []routing.PolicyEvent{}
	for _, e := range r.Events {
		if q.Kind == "" || q.Kind == e.Kind {
			out = append(out, e)
		}
	}
	return page.Of(q.Page, out, int64(len(out))), nil
}
