package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/lease"
	"github.com/gantry-ai/gantry/internal/limitredis"
)

// countNodesEvery is how soon a node that came or went changes the parts into which limits are divided.
const countNodesEvery = 2 * time.Second

// newLimiter makes the limiter that this installation needs: one that counts alone, or one that holds limits together
// with other nodes.
func (a *App) newLimiter(ctx context.Context) (*limits.Limiter, error) {
	redis := a.cfg.Limits.Redis
	if redis.URL.IsZero() && !a.cfg.Cluster.Enabled {
		return limits.NewLimiter(a.now), nil
	}
	a.countNodes(ctx)
	s := limits.Sharing{Nodes: func() int { return int(a.nodes.Load()) }, Tell: a.tellSharing}
	if redis.URL.IsZero() {
		a.log.Info("rate limits are divided among the nodes: limits.redis.url would share them", "nodes", a.nodes.Load())
		return limits.NewSharedLimiter(a.now, s), nil
	}
	var err error
	a.redis, err = limitredis.Open(limitredis.Options{
		URL: redis.URL.Reveal(), Prefix: redis.Prefix, Timeout: redis.Timeout, Slot: slotTime(a.cfg.Relay.TotalTimeout), Log: a.log,
	})
	if err != nil {
		return nil, fmt.Errorf("configuration: limits.redis.url: %w", err)
	}
	if err := a.redis.Ping(ctx); err != nil {
		a.log.Warn("Redis does not answer: rate limits are divided among the nodes until it does", "error", err)
	}
	s.Shared = a.redis
	return limits.NewSharedLimiter(a.now, s), nil
}

// slotTime is after how long a request whose node died is no longer counted as under way: longer than requests take.
func slotTime(total time.Duration) time.Duration { return max(15*time.Minute, 2*total) }

// tellSharing logs that Redis went away or is back. The error names its address, which holds no password.
func (a *App) tellSharing(err error) {
	if err == nil {
		a.log.Info("Redis is back: rate limits are shared again")
		return
	}
	a.log.Warn("Redis is away: each node admits its part of the rate limits", "nodes", a.nodes.Load(), "error", err)
}

// countNodes finds how many nodes are alive. While the database does not tell, the last count stands.
func (a *App) countNodes(ctx context.Context) {
	if !a.cfg.Cluster.Enabled {
		return
	}
	alive, err := a.store.Leases(lease.Terms{}).Alive(ctx, seenLately)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("nodes not counted", "error", err)
		}
		return
	}
	a.nodes.Store(int64(len(alive)))
}

// nodeName tells this node from the others; "" when it is alone.
func (a *App) nodeName() (string, error) {
	if !a.cfg.Cluster.Enabled {
		return "", nil
	}
	if a.cfg.Cluster.Node != "" {
		return a.cfg.Cluster.Node, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("cluster.node: %w", err)
	}
	return name, nil
}
