package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/jobs"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// working tells which tasks it was woken for, and does with the first ones what it is told to.
type working struct {
	woken chan id.ID
	first func(ctx context.Context) (time.Duration, error) // for one task
}

// RunTask implements jobs.Runner.
func (w *working) RunTask(ctx context.Context, task id.ID) (time.Duration, error) {
	w.woken <- task
	if f := w.first; f != nil {
		w.first = nil
		return f(ctx)
	}
	return 0, nil
}

// RunBatch implements jobs.Runner.
func (w *working) RunBatch(_ context.Context, batch id.ID) (time.Duration, error) {
	w.woken <- batch
	return 0, nil
}

// house is a database with a queue in it.
type house struct {
	t     *testing.T
	store *store.Store
	o     jobs.Options
}

func onBoth(t *testing.T, test func(h *house)) {
	t.Helper()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			h := &house{t: t, o: jobs.Options{
				Path: filepath.Join(t.TempDir(), "gantry.db"), Workers: 1, Node: "node", Log: slog.New(slog.DiscardHandler),
			}}
			if database == "postgres" {
				h.o.URL = pgtest.New(t)
			}
			var err error
			if h.store, err = store.Open(t.Context(), store.Options{URL: h.o.URL, Path: h.o.Path, Clock: clock.System}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = h.store.Close() })
			if err := h.store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(h)
		})
	}
}

func (h *house) open(w *working) *jobs.Queue {
	h.t.Helper()
	q, err := jobs.Open(h.t.Context(), h.o, w)
	if err != nil {
		h.t.Fatal(err)
	}
	return q
}

// start works the queue until the returned function is called.
func (h *house) start(q *jobs.Queue) (stop func()) {
	h.t.Helper()
	if err := q.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			h.t.Error(err)
		}
		q.Close()
	}
}

// enqueue enqueues a task in a transaction that ends with err.
func (h *house) enqueue(q *jobs.Queue, task id.ID, end error) {
	h.t.Helper()
	err := h.store.Tasks().InTx(h.t.Context(), func(t tx.Tx) error {
		if n, err := q.Enqueue(h.t.Context(), t, task); err != nil || n == 0 {
			h.t.Errorf("job %d: %v", n, err)
		}
		return end
	})
	if !errors.Is(err, end) {
		h.t.Fatal(err)
	}
}

func (h *house) want(w *working, task id.ID) {
	h.t.Helper()
	select {
	case got := <-w.woken:
		if got != task {
			h.t.Errorf("woken for %s, want %s", got, task)
		}
	case <-time.After(30 * time.Second):
		h.t.Fatalf("nobody was woken for %s", task)
	}
}

func TestAJobIsThereIfItsTransactionIs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(h *house) {
		w := &working{woken: make(chan id.ID, 9)}
		q := h.open(w)
		h.enqueue(q, id.New(), errors.New("rolled back"))
		kept := id.New()
		h.enqueue(q, kept, nil)
		defer h.start(q)()
		h.want(w, kept)
	})
}

func TestWorkThatMustWaitIsDoneAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(h *house) {
		w := &working{
			woken: make(chan id.ID, 9), first: func(context.Context) (time.Duration, error) { return time.Millisecond, nil },
		}
		q := h.open(w)
		defer h.start(q)()
		task := id.New()
		h.enqueue(q, task, nil)
		h.want(w, task)
		h.want(w, task)
	})
}

// TestJobsOfADeadProcessAreWorkedAgain leaves a job in the middle, as a process does that is killed, and opens the queue anew.
func TestJobsOfADeadProcessAreWorkedAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(h *house) {
		release := make(chan struct{})
		dead := &working{woken: make(chan id.ID, 9), first: func(context.Context) (time.Duration, error) {
			<-release
			return 0, nil
		}}
		old := h.open(dead)
		stop := h.start(old)
		task := id.New()
		h.enqueue(old, task, nil)
		h.want(dead, task)
		w := &working{woken: make(chan id.ID, 9)}
		stopNext := h.start(h.open(w))
		h.want(w, task)
		stopNext()
		close(release)
		stop()
	})
}
