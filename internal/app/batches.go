package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/batches"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/protocols"
)

const (
	// linesAtOnce is how many lines of one batch are under way at one time, openBatches how many batches of a user.
	linesAtOnce = 64
	openBatches = 100
	// resultsFor is how long the results of Anthropic's batches are kept, where files are. Source: the provider sheet
	// "anthropic", section 3.
	resultsFor = 29 * 24 * time.Hour
)

// batchCalls makes the calls of lines as tasks, in the name of whoever asked for the batch.
type batchCalls struct {
	a         *App
	endpoints map[string]relay.Operation
}

var _ batches.Calls = batchCalls{}

// connectBatches makes the service that runs batches.
func (a *App) connectBatches() {
	a.batches = &batches.Service{
		Store: a.store.Batches(), Files: a.files, Calls: batchCalls{a, protocols.Batchable()}, Queue: a.jobs, Now: a.now,
		Parallel: linesAtOnce, MaxOpen: openBatches,
		Results: min(resultsFor, a.cfg.Files.Retention),
	}
}

// RunBatch implements jobs.Runner.
func (a *App) RunBatch(ctx context.Context, batch id.ID) (time.Duration, error) {
	later, err := a.batches.Run(ctx, batch)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("batch not run", "batch", batch.String(), "error", err)
	}
	return later, err
}

// Check implements batches.Calls.
func (c batchCalls) Check(p *identity.Principal, endpoint string) error {
	op, ok := c.endpoints[endpoint]
	if !ok {
		return batches.ErrEndpoint
	}
	if !p.Scope.Has(op.Scope) {
		return identity.ErrScope
	}
	return nil
}

// linesPath is where lines come in, as idempotency keys know it: nobody else calls there.
const linesPath = "/batches/lines"

// Accept implements batches.Calls. The line's own idempotency key makes it one task.
func (c batchCalls) Accept(ctx context.Context, b *batches.Batch, l *batches.Line, body []byte) (id.ID, error) {
	p, err := c.a.directory.Acting(ctx, b.UserID, b.APIKeyID)
	if err != nil {
		return id.ID{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, linesPath, bytes.NewReader(body))
	if err != nil {
		return id.ID{}, err
	}
	for name, v := range b.Header {
		req.Header.Set(name, v)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", b.ID.Compact()+"-"+strconv.FormatInt(l.No, 10))
	address, _ := netip.ParseAddr(b.Address) // the zero address is allowed where no list is
	from := relay.Caller{
		RequestID: "batch-" + b.ID.Compact() + "-" + strconv.FormatInt(l.No, 10), Address: address, Acting: p, Class: relay.ClassBatch,
	}
	v, err := c.a.relay.Accept(c.a.desk, nil, req, c.endpoints[b.Endpoint], from)
	return v.Task.ID, err
}

// Outcome implements batches.Calls.
func (c batchCalls) Outcome(ctx context.Context, b *batches.Batch, task id.ID) (batches.Outcome, bool, error) {
	t, err := c.a.store.Tasks().TaskByID(ctx, b.UserID, task)
	if err != nil || !t.Status.Final() {
		return batches.Outcome{}, false, err
	}
	o := batches.Outcome{
		RequestID: t.RequestID, InputTokens: t.Usage.InputTokens(), OutputTokens: t.Usage.OutputTokens(),
	}
	switch t.Status {
	case tasks.Succeeded:
		o.Status, o.Body = http.StatusOK, t.Result
	case tasks.Canceled:
		o.State, o.Code, o.Message = batches.Withdrawn, "batch_cancelled", "This request was cancelled."
	default:
		f := fault.New(max(t.HTTPStatus, http.StatusBadRequest), t.ErrorCode, t.ErrorMessage)
		o.Status, o.Body = f.Status, c.Refusal(b, f)
	}
	return o, true, nil
}

// Cancel implements batches.Calls. What has been sent is served to its end.
func (c batchCalls) Cancel(ctx context.Context, b *batches.Batch, task id.ID) error {
	t, err := c.a.store.Tasks().TaskByID(ctx, b.UserID, task)
	if err != nil || t.Status.Final() || t.Status == tasks.Running {
		return err
	}
	_, err = c.a.desk.Cancel(ctx, event.Actor{UserID: b.UserID, TenantID: b.TenantID, Source: "system"}, b.UserID, task)
	if errors.Is(err, tasks.ErrEnded) {
		return nil
	}
	return err
}

// Refusal implements batches.Calls.
func (c batchCalls) Refusal(b *batches.Batch, f *fault.Error) json.RawMessage {
	return c.endpoints[b.Endpoint].Format.ErrorBody(f)
}
