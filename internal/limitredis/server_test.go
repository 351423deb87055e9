package limitredis_test

import (
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/limitredis"
)

// server is a real Redis on a port of its own.
type server struct {
	t    *testing.T
	port string
	cmd  *exec.Cmd
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	s := &server{t: t, port: port}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--bind", "127.0.0.1", "--port", s.port, "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("%v: install redis-server", err)
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal(what)
		}
	}
}

// TestRealRedis: the scripts do in Redis what they do in the tests' one, and a server that is killed and started again is
// got over.
func TestRealRedis(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &cluster{}
	for range 3 {
		shared, err := limitredis.Open(limitredis.Options{
			URL: "redis://127.0.0.1:" + s.port, Timeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "Redis does not answer", func() bool { return shared.Ping(t.Context()) == nil })
		c.shared = append(c.shared, shared)
		c.nodes = append(c.nodes, limits.NewSharedLimiter(clock.System, limits.Sharing{Shared: shared, Nodes: func() int { return 3 }}))
	}
	t.Cleanup(func() { c.flush(t) })
	key := func() limits.Subject { return rate(t, limits.KindKey, `{"rpm":30,"tpm":100000,"concurrent":29}`) }
	if got := c.storm(t, 25, key()); got != 29 {
		t.Errorf("%d admitted, want 29 under way", got)
	}
	c.correct(t)

	s.stop()
	if got := c.storm(t, 25, rate(t, limits.KindKey, `{"rpm":30}`)); got != 30 {
		t.Errorf("%d admitted without Redis, want 10 by each node", got)
	}
	s.start()
	probe := rate(t, limits.KindKey, `{"rpm":1000000}`)
	for _, node := range c.nodes {
		until(t, "a node does not notice that Redis is back", func() bool {
			_, err := node.Admit(t.Context(), []limits.Subject{probe}, limits.Weights{Requests: 1})
			return err == nil && !node.SharingState().Away
		})
	}
	if got := c.storm(t, 25, rate(t, limits.KindKey, `{"rpm":31}`)); got != 31 {
		t.Errorf("%d admitted with Redis back, want 31", got)
	}
}

// correct expects that tokens which a request did not take are other nodes' soon.
func (c *cluster) correct(t *testing.T) {
	t.Helper()
	subject := rate(t, limits.KindKey, `{"tpm":100}`)
	a, err := c.nodes[0].Admit(t.Context(), []limits.Subject{subject}, limits.Weights{Tokens: 5000})
	if err != nil {
		t.Fatal(err)
	}
	a.End(limits.Weights{Tokens: 30}, limits.Weights{})
	until(t, "tokens are not given back", func() bool {
		b, err := c.nodes[1].Admit(t.Context(), []limits.Subject{subject}, limits.Weights{Tokens: 1})
		if err == nil && b.Tokens.Remaining != 69 {
			t.Errorf("%s tokens are left, want 69", strconv.FormatInt(b.Tokens.Remaining, 10))
		}
		return err == nil
	})
}
