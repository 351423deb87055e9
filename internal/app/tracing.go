package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/tracing"
)

// startTracing begins to send traces if there is a collector to send them to.
func (a *App) startTracing(ctx context.Context) error {
	a.outbound = a.upstreams
	c := a.cfg.Tracing
	if c.Endpoint == "" {
		return nil
	}
	ratio, err := strconv.ParseFloat(c.SampleRatio, 64)
	if err != nil {
		return fmt.Errorf("configuration: tracing.sampleRatio: %w", err)
	}
	node, err := a.nodeName()
	if err != nil {
		return err
	}
	a.tracer, err = tracing.Start(ctx, tracing.Options{
		Endpoint: c.Endpoint, Headers: c.HeaderMap(), SampleRatio: ratio, Version: a.version, Node: node, Log: a.log,
	})
	if err == nil && c.Propagate {
		a.outbound = tracing.Propagate(a.upstreams)
	}
	return err
}

// follower is whom the relay tells what becomes of requests; nil for nobody.
func (a *App) follower() relay.Tracer {
	if a.tracer == nil {
		return nil
	}
	return a.tracer
}

// lastTraces bounds how long a collector that does not answer delays the end.
const lastTraces = 2 * time.Second

// endTracing sends what waits.
func (a *App) endTracing(ctx context.Context) {
	if a.tracer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastTraces)
	defer cancel()
	if err := a.tracer.Close(ctx); err != nil {
		a.log.Warn("traces not sent", "error", err)
	}
}
