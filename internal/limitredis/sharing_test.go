package limitredis_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/limitredis"
)

// TestRedisStopsInBetween: limits hold over all nodes, then by their parts, then over all nodes again.
func TestRedisStopsInBetween(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	key := rate(t, limits.KindKey, `{"rpm":30,"tpm":1000000}`)
	if got := c.storm(t, 4, key); got != 12 {
		t.Fatalf("%d admitted, want all 12", got)
	}
	c.redis.Close()
	if got := c.storm(t, 25, key); got != 18 { // each node has had 4 of its 10
		t.Errorf("%d admitted by three nodes alone, want 6 each", got)
	}
	c.restart(t)
	if got := c.storm(t, 25, key); got != 30 {
		t.Errorf("%d admitted with Redis back, want 30", got)
	}
}

// TestTokensOvershootByOneRequest: whatever many nodes ask for at once, a token limit is passed by less than what one
// request took.
func TestTokensOvershootByOneRequest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		nodes := rapid.IntRange(1, 3).Draw(rt, "nodes")
		c := newCluster(t, nodes)
		limit := rapid.Int64Range(50, 2000).Draw(rt, "limit")
		r := limits.RateLimit{Windows: []limits.Window{{Metric: limits.Tokens, Limit: limit, Span: time.Minute}}}
		key := rate(t, limits.KindKey, `{"rpm":1}`)
		key.Rate = &r
		const most = 200
		var used atomic.Int64
		var wg sync.WaitGroup
		for _, node := range c.nodes {
			for _, actual := range rapid.SliceOfN(rapid.Int64Range(1, most), 1, 12).Draw(rt, "calls") {
				wg.Go(func() {
					a, err := node.Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: actual + most})
					if err == nil {
						used.Add(actual)
						a.End(limits.Weights{Tokens: actual}, limits.Weights{})
					} else if !errors.Is(err, limits.ErrRate) {
						rt.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if used.Load() > limit+most {
			rt.Errorf("%d tokens of %d were used", used.Load(), limit)
		}
		if used.Load() == 0 {
			rt.Error("nothing was admitted")
		}
	})
}

// gate passes bytes on to Redis while it is open.
type gate struct {
	to     string
	mu     sync.RWMutex
	bursts atomic.Int64 // of bytes that went through
}

func newGate(t *testing.T, to string) (*gate, string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go g.serve(in)
		}
	}()
	return g, l.Addr().String()
}

func (g *gate) serve(in net.Conn) {
	out, err := new(net.Dialer).DialContext(context.Background(), "tcp", g.to)
	if err != nil {
		_ = in.Close()
		return
	}
	go func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := in.Read(buf)
		g.mu.RLock()
		g.bursts.Add(1)
		_, werr := out.Write(buf[:n])
		g.mu.RUnlock()
		if err != nil || werr != nil {
			_ = out.Close()
			return
		}
	}
}

// TestCorrectionsDoNotWait: the end of a request asks Redis nothing, and corrections go out together.
func TestCorrectionsDoNotWait(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 0)
	g, address := newGate(t, c.redis.Addr())
	s, err := limitredis.Open(limitredis.Options{
		URL: "redis://" + address, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.shared = append(c.shared, s)
	node := limits.NewSharedLimiter(c.clock.Now, limits.Sharing{Shared: s, Nodes: func() int { return 1 }})
	key := rate(t, limits.KindKey, `{"tpm":100000}`)
	const calls = 100
	var open [calls]limits.Admission
	for i := range open {
		if open[i], err = node.Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.bursts.Load(); n > calls+10 {
		t.Errorf("%d round trips admitted %d requests", n, calls)
	}
	before := g.bursts.Load()
	g.mu.Lock() // Redis answers nothing until all have ended
	for i := range open {
		open[i].End(limits.Weights{Tokens: 7}, limits.Weights{})
	}
	g.mu.Unlock()
	c.flush(t)
	if n := g.bursts.Load() - before; n > calls/4 {
		t.Errorf("%d round trips corrected %d requests", n, calls)
	}
	var sum int
	for _, name := range c.redis.Keys() {
		fields, _ := c.redis.HKeys(name)
		for _, f := range fields {
			sum += number(t, c.redis.HGet(name, f))
		}
	}
	if sum != calls*7 {
		t.Errorf("%d tokens counted, want %d", sum, calls*7)
	}
}

// TestNothingToShareAsksNobody: where no scope has a limit, Redis hears nothing.
func TestNothingToShareAsksNobody(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	before := c.redis.CommandCount()
	for range 10 {
		a, err := c.nodes[0].Admit(t.Context(), []limits.Subject{{Scope: limits.Scope{Kind: limits.KindKey}}}, limits.Weights{Requests: 1})
		if err != nil {
			t.Fatal(err)
		}
		a.End(limits.Weights{}, limits.Weights{})
	}
	if n := c.redis.CommandCount() - before; n != 0 {
		t.Errorf("%d commands", n)
	}
}

// TestLeftOfARefusal: a refused request is told what is left in the windows of all nodes.
func TestLeftOfARefusal(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	key := rate(t, limits.KindKey, `{"rpm":3,"tpm":1000}`)
	w := limits.Weights{Requests: 1, Tokens: 100}
	for i := range 3 {
		if _, err := c.nodes[i%2].Admit(t.Context(), []limits.Subject{key}, w); err != nil {
			t.Fatal(err)
		}
	}
	a, err := c.nodes[1].Admit(t.Context(), []limits.Subject{key}, w)
	if !errors.Is(err, limits.ErrRate) || a.Requests.Limit != 3 || a.Requests.Remaining != 0 || a.Tokens.Remaining != 700 ||
		a.Requests.Reset != 63750*time.Millisecond {
		t.Errorf("%v: requests %+v, tokens %+v", err, a.Requests, a.Tokens)
	}
}

// TestCloseDoesNotWaitForRedis: corrections that Redis does not take are left, and end of themselves.
func TestCloseDoesNotWaitForRedis(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	key := rate(t, limits.KindKey, `{"tpm":100000000}`)
	var open [1000]limits.Admission
	for i := range open {
		var err error
		if open[i], err = c.nodes[0].Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 100}); err != nil {
			t.Fatal(err)
		}
	}
	c.redis.Close()
	for i := range open {
		open[i].End(limits.Weights{Tokens: 1}, limits.Weights{})
	}
	c.flush(t)
	open[0].End(limits.Weights{}, limits.Weights{})
	late, err := c.nodes[0].Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 1})
	if err != nil {
		t.Fatal(err)
	}
	late.End(limits.Weights{}, limits.Weights{}) // after the end nothing panics
}
