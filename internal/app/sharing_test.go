package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// twoNodes are two nodes of one installation on PostgreSQL, with the settings changed.
func twoNodes(t *testing.T, change func(*config.Config)) [2]*house {
	t.Helper()
	url := pgtest.New(t)
	var nodes [2]*house
	for i, name := range []string{"one", "two"} {
		nodes[i] = newHouse(t, func(a *App) {
			a.cfg.Database.URL = secret.New(url)
			a.cfg.Cluster = config.Cluster{Enabled: true, Node: name}
			a.cfg.MasterKey = secret.New(strings.Repeat("0f1e2d3c", 8))
			a.cfg.Auth.JWTSecret = secret.New("Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHNlY3JldCE=")
			a.cfg.Limits.Redis.Timeout = 5 * time.Second
			change(&a.cfg)
		})
	}
	for _, n := range nodes {
		n.countNodes(t.Context())
	}
	return nodes
}

// limitEverywhere sets what limits a person, as both nodes know it.
func limitEverywhere(nodes [2]*house, who guest, rate string) {
	nodes[0].limit(who, rate, "")
	nodes[1].limiting.book.Forget(limits.Scope{Kind: limits.KindUser, ID: who.id})
}

// admitted asks each node n times in turn and returns how many calls were served; the others were refused by the limit.
func admitted(t *testing.T, nodes [2]*house, who guest, n int) (served int) {
	t.Helper()
	for range n {
		for _, node := range nodes {
			resp, text := node.send("POST", "/v1/chat/completions", who.key, chat("sim-chat", false))
			switch {
			case resp.StatusCode == http.StatusOK:
				served++
			case resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || resp.Header.Get("X-Ratelimit-Remaining-Requests") != "0":
				t.Errorf("answer %d %s, headers %v", resp.StatusCode, text, resp.Header)
			}
		}
	}
	return served
}

func TestTwoNodesShareALimitThroughRedis(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	nodes := twoNodes(t, func(c *config.Config) {
		c.Limits.Redis.URL, c.Limits.Redis.Prefix = secret.New("redis://"+redis.Addr()), "house"
	})
	first, second := nodes[0].invite("first", ""), nodes[0].invite("second", "")
	limitEverywhere(nodes, first, `{"rpd":5}`)
	limitEverywhere(nodes, second, `{"rpd":5}`)
	if n := admitted(t, nodes, first, 5); n != 5 {
		t.Errorf("%d calls served, want 5 of both nodes together", n)
	}
	for _, key := range redis.Keys() {
		if !strings.HasPrefix(key, "house:{limits}:") {
			t.Errorf("key %s", key)
		}
	}
	redis.Close()
	if n := admitted(t, nodes, second, 5); n != 4 {
		t.Errorf("%d calls served without Redis, want 2 by each node", n)
	}
	if s := nodes[1].limiting.windows.SharingState(); !s.Away || s.Fallbacks == 0 {
		t.Errorf("state %+v", s)
	}
}

func TestNodesWithoutRedisDivideLimits(t *testing.T) {
	t.Parallel()
	nodes := twoNodes(t, func(*config.Config) {})
	who := nodes[0].invite("who", "")
	limitEverywhere(nodes, who, `{"rpd":7}`)
	if n := admitted(t, nodes, who, 6); n != 6 {
		t.Errorf("%d calls served, want 3 by each node", n)
	}
}

// TestRedisAddressIsNamed: what is wrong with it is said by the setting's name, and what is right in it is not shown.
func TestRedisAddressIsNamed(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	cfg.Limits.Redis.URL = secret.New("redis://u:hunter2@h:6379/not-a-number")
	_, err := New(t.Context(), cfg, io.Discard, "test")
	if err == nil || !strings.Contains(err.Error(), "limits.redis.url") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
	_, _, err = config.Load(config.Options{Env: []string{"GANTRY_LIMITS_REDIS_URL=http://u:hunter2@h"}})
	if err == nil || !strings.Contains(err.Error(), "limits.redis.url") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

// TestRedisAwayAtTheStart: an installation starts without Redis, says so, and limits by its part.
func TestRedisAwayAtTheStart(t *testing.T) {
	t.Parallel()
	var log safeLog
	h := newHouse(t, func(a *App) {
		a.cfg.Limits.Redis.URL = secret.New("redis://127.0.0.1:1")
		a.log = newLogger(config.Log{Level: "warn", Format: "json"}, &log)
	})
	who := h.invite("who", "")
	h.limit(who, `{"rpm":1}`, "")
	resp, text := h.send("POST", "/v1/chat/completions", who.key, chat("sim-chat", false))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if resp, _ = h.send("POST", "/v1/chat/completions", who.key, chat("sim-chat", false)); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("answer %d", resp.StatusCode)
	}
	for _, message := range []string{
		"Redis does not answer: rate limits are divided among the nodes until it does",
		"Redis is away: each node admits its part of the rate limits",
	} {
		if n := len(log.lines(t, message)); n != 1 {
			t.Errorf("%q was said %d times", message, n)
		}
	}
}
