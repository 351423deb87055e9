package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

const (
	// healthEvery is how soon a long cooldown survives the process, and is heard of on other nodes.
	healthEvery = time.Second
	// keepEvents is for how long policy events can be looked up.
	keepEvents = 90 * 24 * time.Hour
)

// connectHealth makes what remembers how upstreams do, and loads what an earlier process, or another node, found out.
func (a *App) connectHealth(ctx context.Context) error {
	a.policyEvents = routing.NewEventQueue(a.store.Routing(), a.log)
	a.reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "gantry_policy_events_dropped_total", Help: "Policy events that were not written.",
	}, func() float64 { return float64(a.policyEvents.Dropped()) }))
	if err := a.health.Load(ctx, a.store.Routing()); err != nil {
		return fmt.Errorf("health of upstreams: %w", err)
	}
	return nil
}

// startHealth writes down and hears how upstreams do, until ctx ends.
func (a *App) startHealth(ctx context.Context) {
	a.policyEventsRun = true
	go a.policyEvents.Run(ctx)
	go every(ctx, healthEvery, a.shareHealth)
	go every(ctx, forgetEvery, a.forgetPolicyEvents)
}

// shareHealth writes what this node found out, and hears what others did.
func (a *App) shareHealth(ctx context.Context) {
	err := a.health.Save(ctx, a.store.Routing())
	if err == nil && a.cfg.Cluster.Enabled {
		err = a.health.Load(ctx, a.store.Routing())
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("health of upstreams not shared", "error", err)
	}
}

func (a *App) forgetPolicyEvents(ctx context.Context) {
	if _, err := a.store.Routing().PolicyEventsForget(ctx, a.now().Add(-keepEvents)); err != nil && ctx.Err() == nil {
		a.log.Warn("policy events not forgotten", "error", err)
	}
}

// closeHealth writes what is left to be written.
func (a *App) closeHealth(ctx context.Context) {
	if a.policyEvents == nil {
		return
	}
	if a.policyEventsRun {
		select {
		case <-a.policyEvents.Done():
		case <-ctx.Done():
		}
	}
	if err := a.health.Save(ctx, a.store.Routing()); err != nil {
		a.log.Warn("health of upstreams not kept", "error", err)
	}
}

// loadPolicies reads the policy sets and the runner policy; there may be none.
func (a *App) loadPolicies(ctx context.Context) (sets []routing.PolicySet, runner *routing.RunnerPolicy, err error) {
	if sets, err = a.store.Routing().PolicySetList(ctx); err != nil {
		return nil, nil, err
	}
	stored, err := a.store.Routing().RunnerPolicyGet(ctx)
	if errors.Is(err, fault.ErrNotFound) {
		return sets, nil, nil
	}
	return sets, &stored, err
}
