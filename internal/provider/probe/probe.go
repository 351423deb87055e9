// Package probe tries out an account at an upstream step by step, so that a person sees which part of what they entered
// is wrong. It calls the upstream as the relay would, through the adapter and the transport that calls go through, and
// reads from the trace of those calls how far they came.
package probe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
)

// The steps in their order.
const (
	Resolve = "resolve"
	TLS     = "tls"
	Auth    = "auth"
	Models  = "models"
	Call    = "call"
)

// Step is one step. Message says what was seen, Advice what to do about a failure. Neither holds a secret.
type Step struct {
	Name     string
	OK       bool
	Skipped  bool // it does not apply, or a step before failed
	Duration time.Duration
	Message  Text
	Advice   Text
}

// Report is what became of the steps, and the models that the upstream named.
type Report struct {
	Steps  []Step
	Models []string
}

// Prober runs probes.
type Prober struct {
	Now clock.Clock
	// Transport makes the transport of one probe. It must not share connections with another, or there is nothing to see
	// of how they are made.
	Transport func() http.RoundTripper
}

// run is one probe under way.
type run struct {
	Prober
	about    provider.Description
	host     string
	secure   bool
	up       provider.Upstream
	trace    trace
	steps    []Step
	models   []string
	finished bool
}

// Probe tries out an account. The account's transport is replaced by the prober's. model names what to call; "" means the
// first that looks like one for the call, of those that the upstream lists or the adapter suggests.
func (p Prober) Probe(ctx context.Context, adapter provider.Adapter, account provider.Account, model string) Report {
	r := &run{Prober: p, about: adapter.Describe()}
	r.trace.now = p.Now
	if account.BaseURL == "" {
		account.BaseURL = r.about.DefaultBaseURL
	}
	if base, err := url.Parse(account.BaseURL); err == nil {
		r.host, r.secure = base.Hostname(), base.Scheme == "https"
	}
	account.Transport = p.Transport()
	if closer, ok := account.Transport.(interface{ CloseIdleConnections() }); ok {
		defer closer.CloseIdleConnections()
	}
	up, err := adapter.Open(account)
	if err != nil {
		r.fail(Resolve, 0, invalid, correct)
		return r.report()
	}
	r.up = up
	r.list(httptrace.WithClientTrace(ctx, r.trace.hooks()))
	r.call(httptrace.WithClientTrace(ctx, r.trace.hooks()), model)
	return r.report()
}

func (r *run) ok(name string, d time.Duration, message Text) {
	r.steps = append(r.steps, Step{Name: name, OK: true, Duration: d, Message: message})
}

func (r *run) skip(name string, message Text) {
	r.steps = append(r.steps, Step{Name: name, Skipped: true, Message: message})
}

// fail ends the probe: what follows is skipped.
func (r *run) fail(name string, d time.Duration, message, advice Text) {
	r.steps = append(r.steps, Step{Name: name, Duration: d, Message: message, Advice: advice})
	r.finished = true
}

// report fills in the steps that were not reached.
func (r *run) report() Report {
	for _, name := range []string{Resolve, TLS, Auth, Models, Call} {
		if !slices.ContainsFunc(r.steps, func(s Step) bool { return s.Name == name }) {
			r.skip(name, notRun)
		}
	}
	return Report{Steps: r.steps, Models: r.models}
}

// list asks for the models. It is the first call, so the steps before it are read from its trace.
func (r *run) list(ctx context.Context) {
	lister, ok := r.up.(provider.ModelLister)
	if !ok {
		return // the one-token call will show the way
	}
	start := r.Now()
	models, err := lister.Models(ctx)
	took := r.Now().Sub(start)
	var failed *provider.Error
	if err != nil && !errors.As(err, &failed) {
		failed = &provider.Error{Outcome: provider.Outcome{Category: inference.Connect}}
	}
	if r.reached(failed); r.finished {
		return
	}
	switch {
	case failed == nil:
		r.models = models
		r.ok(Models, took, countOf(len(models)))
	case failed.Category == inference.NotFound:
		r.skip(Models, unlisted)
	default:
		r.fail(Models, took, saw(failed), advice(failed.Category))
	}
}

// reached turns the trace of the first call into the steps resolve, tls and auth.
func (r *run) reached(failed *provider.Error) {
	if len(r.steps) > 0 {
		return
	}
	if r.about.Simulated {
		r.skip(Resolve, noNetwork)
		r.skip(TLS, noNetwork)
		r.ok(Auth, 0, everybody)
		return
	}
	if r.resolved(); !r.finished {
		r.secured(failed)
	}
	if !r.finished {
		r.admitted(failed)
	}
}

// call makes one call that is as small as it can be.
func (r *run) call(ctx context.Context, model string) {
	if r.finished {
		return
	}
	if model == "" {
		model = r.pick()
	}
	c, ok := smallest(r.about.Dialects, model, shapeOf(r.up))
	if !ok || model == "" {
		r.reached(nil)
		r.skip(Models, unlisted)
		r.skip(Call, nothingToCall)
		return
	}
	start := r.Now()
	failed := r.send(ctx, c)
	took := r.Now().Sub(start)
	if r.reached(failed); r.finished {
		return
	}
	if !slices.ContainsFunc(r.steps, func(s Step) bool { return s.Name == Models }) {
		r.skip(Models, cannotList)
	}
	if failed != nil {
		r.fail(Call, took, saw(failed), advice(failed.Category))
		return
	}
	r.ok(Call, took, Text{"The model " + model + " answered.", "模型 " + model + " 已应答。"})
}

const maxAnswer = 1 << 20

func (r *run) send(ctx context.Context, c *provider.Call) *provider.Error {
	resp, err := r.up.Send(ctx, c)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return &provider.Error{Outcome: provider.Outcome{Category: inference.Timeout}}
		}
		return &provider.Error{Outcome: provider.Outcome{Category: inference.Connect}}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		return &provider.Error{Outcome: r.up.Classify(resp, body), Status: resp.StatusCode}
	case err != nil:
		return &provider.Error{Outcome: provider.Outcome{Category: inference.Protocol}, Status: resp.StatusCode}
	}
	return nil
}
