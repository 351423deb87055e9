package relay

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// nowhere takes what a log formats.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// anEndedCall is a call that was streamed after a retry.
func anEndedCall(level slog.Level) *call {
	c := &call{
		Relay: &Relay{
			now: clock.System, log: slog.New(slog.NewJSONHandler(nowhere{}, &slog.HandlerOptions{Level: level})),
			metrics: NewMetrics(prometheus.NewRegistry()),
		},
		req: httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", nil), op: Operation{Format: openai.Chat},
		start: time.Now(), route: &Route{Alias: "m"}, status: 200, ttft: time.Second, charged: 5, purse: &wallet.Wallet{},
		target: &Target{Platform: &routing.Platform{Key: "p"}, Model: &routing.PlatformModel{}},
		attempts: []tasks.Attempt{
			{No: 1, PlatformKey: "q", Category: inference.Overloaded}, {No: 2, PlatformKey: "p", Category: inference.OK},
		},
	}
	c.ask.Stream = true
	c.metered.Usage.Quantities[inference.TextInput], c.metered.Usage.Quantities[inference.TextOutput] = 10, 20
	return c
}

// TestObservingAllocatesNothing: once its labels are known, a call's metrics cost no memory; neither does a log that is off.
func TestObservingAllocatesNothing(t *testing.T) {
	c := anEndedCall(slog.LevelWarn)
	if n := testing.AllocsPerRun(100, func() {
		c.traceSteps()
		c.begin(stepPrepare)
		c.end(stepPrepare)
		_ = c.traced(t.Context())
		c.metrics.observe(c)
		c.tell()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c.laps.timed || c.steps() != nil {
		t.Error("steps are timed for nobody")
	}
}

// TestChildrenAreMadeOnce by whoever asks first.
func TestChildrenAreMadeOnce(t *testing.T) {
	t.Parallel()
	var known children[int, *int]
	made := make(chan int, 1000)
	done := make(chan map[int]*int, 8)
	for range cap(done) {
		go func() {
			own := map[int]*int{}
			for key := range 50 {
				own[key] = known.of(key, func(key int) *int { made <- key; return &key })
			}
			done <- own
		}()
	}
	first := <-done
	for range cap(done) - 1 {
		for key, v := range <-done {
			if v != first[key] || *v != key {
				t.Errorf("child %d is %p and %p", key, v, first[key])
			}
		}
	}
	if len(made) != 50 {
		t.Errorf("%d children made, want 50", len(made))
	}
}

// BenchmarkObserve is what a call's metrics, and its line in the log, cost.
func BenchmarkObserve(b *testing.B) {
	c := anEndedCall(slog.LevelInfo)
	b.Run("metrics", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.metrics.observe(c)
		}
	})
	b.Run("log", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.tell()
		}
	})
}
