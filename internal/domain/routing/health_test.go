package routing_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/page"
)

var dawn = time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)

func rules(t *testing.T, text string) []routing.Rule {
	t.Helper()
	out, err := routing.ParseDegrade("p", json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var trouble = &routing.Failure{Category: inference.Timeout}

func TestCooldownDoublesUpToItsMost(t *testing.T) {
	t.Parallel()
	rule := &rules(t, `{"rules":[{"on":["timeout"],"threshold":2,"windowSeconds":10,"cooldownSeconds":8,"maxCooldownSeconds":30}]}`)[0]
	var u routing.Unit
	now := dawn
	fail := func(probe bool) bool { _, closed := u.Fail(rule, trouble, now, probe); return closed }
	if fail(false) {
		t.Error("one failure closed it")
	}
	now = now.Add(11 * time.Second)
	if fail(false) {
		t.Error("two failures closed it that were not within the window")
	}
	now = now.Add(time.Second)
	if !fail(false) {
		t.Error("two failures did not close it")
	}
	for _, want := range []time.Duration{8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
		gate, until := u.Gate(now)
		if gate != routing.Cooling || until.Sub(now) != want {
			t.Errorf("gate %d for %v, want %v", gate, until.Sub(now), want)
		}
		if _, ok := u.Probe(now); ok {
			t.Error("a probe before its time")
		}
		now = until
		held, ok := u.Probe(now)
		if _, again := u.Probe(now); !held || !ok || again {
			t.Errorf("probe %v %v, and another one %v", held, ok, again)
		}
		fail(true)
	}
	now = now.Add(30 * time.Second)
	u.Probe(now)
	if change, ok := u.Succeed(now, now, true); !ok || change.Kind != routing.EventReturn {
		t.Errorf("%+v", change)
	}
	if gate, _ := u.Gate(now); gate != routing.Open {
		t.Errorf("gate %d", gate)
	}
	fail(false)
	fail(false)
	if _, until := u.Gate(now); until.Sub(now) != 8*time.Second {
		t.Errorf("after a return it is closed for %v", until.Sub(now))
	}
}

func TestProbeThatIsLostIsGivenUp(t *testing.T) {
	t.Parallel()
	rule := &rules(t, `{"rules":[{"on":["timeout"],"threshold":1}]}`)[0]
	var u routing.Unit
	u.Fail(rule, trouble, dawn, false)
	now := dawn.Add(10 * time.Second)
	u.Probe(now)
	if gate, _ := u.Gate(now); gate == routing.Ready {
		t.Error("another probe could begin")
	}
	if _, ok := u.Probe(now.Add(11 * time.Minute)); !ok {
		t.Error("a lost probe keeps the unit closed")
	}
	u.Unprobe()
	if gate, _ := u.Gate(now); gate != routing.Ready {
		t.Errorf("gate %d after a probe that found out nothing", gate)
	}
}

func TestLateNewsOpensNothing(t *testing.T) {
	t.Parallel()
	rule := &rules(t, `{"rules":[{"on":["timeout"],"threshold":1}]}`)[0]
	var u routing.Unit
	u.Fail(rule, trouble, dawn, false)
	if _, ok := u.Succeed(dawn.Add(time.Second), dawn.Add(-time.Minute), false); ok {
		t.Error("a request that was sent before the unit was closed opened it")
	}
	if _, ok := u.Succeed(dawn.Add(time.Second), dawn.Add(time.Millisecond), false); !ok {
		t.Error("a request that was sent afterwards did not open it")
	}
}

// TestUnitUnderRandomUse checks what must hold whatever happens in whatever order.
func TestUnitUnderRandomUse(t *testing.T) {
	t.Parallel()
	list := rules(t, `{"rules":[
		{"on":["timeout"],"threshold":3,"windowSeconds":20,"cooldownSeconds":5,"maxCooldownSeconds":60},
		{"on":["rate_limited"],"threshold":1,"cooldownSeconds":2,"maxCooldownSeconds":40}]}`)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var u routing.Unit
		now, held := dawn, false
		for range 300 {
			now = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			gate, until := u.Gate(now)
			if (gate == routing.Open || gate == routing.Ready) != until.IsZero() || until.Sub(now) > time.Minute {
				t.Fatalf("seed %d: gate %d until %v", seed, gate, until.Sub(now))
			}
			switch r.IntN(4) {
			case 0:
				probe, ok := u.Probe(now)
				if probe && (held || gate != routing.Ready) || ok != (gate == routing.Open || probe) {
					t.Fatalf("seed %d: probe %v %v at gate %d while one is held: %v", seed, probe, ok, gate, held)
				}
				held = held || probe
			case 1:
				u.Succeed(now, now, held)
				if gate, _ := u.Gate(now); gate != routing.Open {
					t.Fatalf("seed %d: gate %d after success", seed, gate)
				}
				held = false
			default:
				rule := &list[r.IntN(2)]
				f := &routing.Failure{Category: inference.RateLimited, RetryAfter: time.Duration(r.IntN(90)) * time.Second}
				u.Fail(rule, f, now, held)
				if gate, _ := u.Gate(now); held && gate != routing.Cooling && gate != routing.Firm {
					t.Fatalf("seed %d: gate %d after a failed probe", seed, gate)
				}
				held = false
			}
		}
	}
}

func TestOneProbeAmongManyAtOnce(t *testing.T) {
	t.Parallel()
	rule := &rules(t, `{"rules":[{"on":["timeout"],"threshold":1}]}`)[0]
	var u routing.Unit
	u.Fail(rule, trouble, dawn, false)
	var probes atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if held, _ := u.Probe(dawn.Add(time.Minute)); held {
				probes.Add(1)
			}
		})
	}
	all.Wait()
	if probes.Load() != 1 {
		t.Errorf("%d probes", probes.Load())
	}
}

// eventStore keeps events, or refuses them.
type eventStore struct {
	mu      sync.Mutex
	list    []routing.PolicyEvent
	batches int
	err     error
	gate    chan struct{}
}

func (s *eventStore) PolicyEventsInsert(_ context.Context, list []routing.PolicyEvent) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	s.list = append(s.list, list...)
	return s.err
}

func (s *eventStore) PolicyEventList(context.Context, routing.EventQuery) (page.Page[routing.PolicyEvent], error) {
	return page.Page[routing.PolicyEvent]{}, errors.ErrUnsupported
}

func (s *eventStore) PolicyEventsForget(context.Context, time.Time) (int64, error) {
	return 0, errors.ErrUnsupported
}

func TestEventsAreWrittenInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &eventStore{}
		q := routing.NewEventQueue(s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		go q.Run(ctx)
		for range 600 {
			q.Tell(routing.PolicyEvent{ID: id.New()})
		}
		time.Sleep(time.Second) //nolint:forbidigo // virtual
		synctest.Wait()
		if len(s.list) != 600 || s.batches > 4 {
			t.Errorf("%d events in %d batches", len(s.list), s.batches)
		}
		q.Tell(routing.PolicyEvent{ID: id.New()})
		stop()
		<-q.Done()
		if len(s.list) != 601 || q.Dropped() != 0 {
			t.Errorf("%d events at the end, %d dropped", len(s.list), q.Dropped())
		}
	})
}

func TestEventsNeverBlock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &eventStore{gate: make(chan struct{}), err: errors.New("away")}
		q := routing.NewEventQueue(s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		go q.Run(ctx)
		for range 10_000 {
			q.Tell(routing.PolicyEvent{ID: id.New()}) // the database hangs
		}
		if n := q.Dropped(); n < 5000 || n > 6000 {
			t.Errorf("%d dropped", n)
		}
		close(s.gate)
		stop()
		<-q.Done()
		if q.Dropped() != 10_000 {
			t.Errorf("%d dropped of those that the database refused", q.Dropped())
		}
	})
}
