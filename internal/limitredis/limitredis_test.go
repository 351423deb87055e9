package limitredis_test

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/limitredis"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// cluster is a Redis with nodes, under one clock.
type cluster struct {
	redis  *miniredis.Miniredis
	clock  *clock.Manual
	nodes  []*limits.Limiter
	shared []*limitredis.Shared
}

func newCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{redis: miniredis.RunT(t), clock: clock.NewManual(noon)}
	c.redis.SetTime(noon)
	for range nodes {
		s, err := limitredis.Open(limitredis.Options{
			URL: "redis://" + c.redis.Addr(), Timeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.shared = append(c.shared, s)
		c.nodes = append(c.nodes, limits.NewSharedLimiter(c.clock.Now, limits.Sharing{Shared: s, Nodes: func() int { return nodes }}))
	}
	t.Cleanup(func() { c.flush(t) })
	return c
}

// flush waits until what was given back is in Redis; nothing may be asked afterwards.
func (c *cluster) flush(t *testing.T) {
	t.Helper()
	for _, s := range c.shared {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	c.shared = nil
}

func (c *cluster) advance(d time.Duration) {
	c.clock.Advance(d)
	c.redis.SetTime(c.clock.Now())
	c.redis.FastForward(d)
}

func rate(t interface{ Fatal(...any) }, k limits.Kind, text string) limits.Subject {
	r, err := limits.ParseRateLimit("rateLimitPolicy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return limits.Subject{Scope: limits.Scope{Kind: k, ID: id.New()}, Policy: limits.Policy{Rate: r}}
}

// storm makes every node ask n times at once and returns how many were admitted; they stay open.
func (c *cluster) storm(t *testing.T, n int, subjects ...limits.Subject) int64 {
	t.Helper()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for _, node := range c.nodes {
		for range n {
			wg.Go(func() {
				_, err := node.Admit(t.Context(), subjects, limits.Weights{Requests: 1})
				switch {
				case err == nil:
					admitted.Add(1)
				case !errors.Is(err, limits.ErrRate) || fault.From(err).RetryAfter <= 0:
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	return admitted.Load()
}

func TestThreeNodesShareALimit(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	key, user := rate(t, limits.KindKey, `{"rpm":30}`), rate(t, limits.KindUser, `{"rpm":1000,"concurrent":1000}`)
	if got := c.storm(t, 25, key, user); got != 30 {
		t.Errorf("%d admitted, want 30", got)
	}
	c.advance(64 * time.Second)
	if got := c.storm(t, 25, key, user); got != 30 {
		t.Errorf("%d admitted in the next minute, want 30", got)
	}
}

func TestNodesShareConcurrency(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	key := rate(t, limits.KindKey, `{"concurrent":4}`)
	if got := c.storm(t, 5, key); got != 4 {
		t.Errorf("%d admitted, want 4", got)
	}
	// Whoever took them has died: their places are free after a while.
	c.advance(16 * time.Minute)
	a, err := limits.NewSharedLimiter(c.clock.Now, limits.Sharing{Shared: c.shared[0], Nodes: func() int { return 3 }}).
		Admit(t.Context(), []limits.Subject{key}, limits.Weights{})
	if err != nil {
		t.Error(err)
	}
	a.End(limits.Weights{}, limits.Weights{})
}

func TestTokensAreGivenBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	key := rate(t, limits.KindKey, `{"tpm":100,"concurrent":1}`)
	a, err := c.nodes[0].Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 500})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.nodes[1].Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 1}); !errors.Is(err, limits.ErrRate) {
		t.Fatalf("the other node's tokens do not count: %v", err)
	}
	a.End(limits.Weights{Tokens: 30}, limits.Weights{})
	c.flush(t)
	for _, name := range c.redis.Keys() {
		if strings.Contains(name, ":concurrent:") {
			t.Errorf("%s is left", name)
		} else if fields, _ := c.redis.HKeys(name); len(fields) != 1 || c.redis.HGet(name, fields[0]) != "30" {
			t.Errorf("%s holds %v", name, fields)
		}
		if c.redis.TTL(name) <= 0 {
			t.Errorf("%s stays for ever", name)
		}
	}
}

// TestRedisGoesAway: each node admits its part and never more, and asks again when Redis is back.
func TestRedisGoesAway(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.redis.Close()
	key := rate(t, limits.KindKey, `{"rpm":30}`)
	if got := c.storm(t, 25, key); got != 30 {
		t.Errorf("%d admitted by three nodes alone, want 10 each", got)
	}
	c.restart(t)
	if got := c.storm(t, 25, key); got != 30 {
		t.Errorf("%d admitted with Redis back, want 30", got)
	}
}

// restart brings Redis back when the windows are over, and has every node notice.
func (c *cluster) restart(t *testing.T) {
	t.Helper()
	if err := c.redis.Restart(); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for _, s := range c.shared {
		for s.Ping(t.Context()) != nil {
			select {
			case <-time.After(10 * time.Millisecond):
			case <-deadline:
				t.Fatal("Redis does not come back")
			}
		}
	}
	c.advance(64 * time.Second)
	for _, node := range c.nodes {
		_, err := node.Admit(t.Context(), []limits.Subject{rate(t, limits.KindKey, `{"rpm":1}`)}, limits.Weights{Requests: 1})
		if err != nil || node.SharingState().Away {
			t.Fatalf("a node has not noticed that Redis is back: %v", err)
		}
	}
}

// TestSameRulesAsInMemory asks a limiter in memory and one in Redis the same at the same times.
func TestSameRulesAsInMemory(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		alone := limits.NewLimiter(c.clock.Now)
		subjects := []limits.Subject{
			rate(rt, limits.KindKey, `{"rpm":7,"tpm":100,"concurrent":3}`),
			rate(rt, limits.KindModel, `{"windows":[{"metric":"images","limit":9,"windowSeconds":30}]}`),
		}
		for range rapid.IntRange(1, 20).Draw(rt, "requests") {
			c.advance(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(rt, "pause")).Truncate(time.Microsecond))
			w := limits.Weights{Requests: 1, Tokens: rapid.Int64Range(1, 120).Draw(rt, "tokens"), Images: rapid.Int64Range(0, 12).Draw(rt, "images")}
			a, errA := alone.Admit(t.Context(), subjects, w)
			b, errB := c.nodes[0].Admit(t.Context(), subjects, w)
			if (errA == nil) != (errB == nil) {
				rt.Fatalf("in memory %v, in Redis %v", errA, errB)
			}
			if errA != nil && (fault.From(errA).Message != fault.From(errB).Message) {
				rt.Fatalf("in memory %v, in Redis %v", errA, errB)
			}
			if a.Requests.Remaining != b.Requests.Remaining && errA == nil {
				rt.Fatalf("left in memory %+v, in Redis %+v", a.Requests, b.Requests)
			}
		}
	})
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAddressIsNotShown(t *testing.T) {
	t.Parallel()
	_, err := limitredis.Open(limitredis.Options{URL: "redis://u:hunter2@local host:1:2"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}
